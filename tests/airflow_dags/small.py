"""DAGs for tests/integration/test_airflow.py: one succeeds, one fails, one waits to be let go."""

import os
import threading
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG


def first(**context: Any) -> str:
    greeting = context["dag_run"].conf.get("greeting")
    return f"{context.get('logical_date')} {greeting} {os.environ['ECOM_POSTGRES_HOST']}"


def second(said: str) -> None:
    print(f"first said: {said}")  # noqa: T201 - a task's log


def fails() -> None:
    raise ValueError("seven rows are wrong")


def waits(**context: Any) -> None:
    until = Path(context["dag_run"].conf["until"])
    pause = threading.Event()
    while not until.exists():
        pause.wait(0.1)


with DAG("two_tasks"):
    one = PythonOperator(task_id="first", python_callable=first)
    one >> PythonOperator(task_id="second", python_callable=second, op_args=[one.output])

with DAG("one_fails"):
    bad = PythonOperator(task_id="fails", python_callable=fails)
    bad >> PythonOperator(task_id="second", python_callable=second, op_args=["nothing"])

with DAG("one_waits"):
    PythonOperator(task_id="waits", python_callable=waits)
