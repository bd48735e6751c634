"""What `ecom verify` found."""

from dataclasses import asdict, dataclass, field
from typing import Any

SAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of fault: how many, and sample keys."""

    count: int
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """Counts of events, then of orders, then of members; and each kind of fault.

    `skipped` events were removed by Kafka's retention and given up by an operator.
    """

    topic: str
    offsets: int
    raw_rows: int
    duplicates: int
    dlq_origins: int
    skipped: int
    facts: int
    pending_repair: int
    pending_versions: int
    lost: Finding
    doubled: Finding
    missing_facts: Finding
    surplus_facts: Finding
    different_facts: Finding
    different_versions: Finding
    counter_drift: Finding
    wrong_sums: Finding
    different_from_batch: Finding | None = None
    """None where the batch's rebuild was left out."""

    @property
    def clean(self) -> bool:
        """Whether no fault was found; what waits for a publication is none, nor what was given up."""
        return not any(finding.count for finding in self.findings().values())

    def findings(self) -> dict[str, Finding]:
        """Return the faults by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Finding)}

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"clean": self.clean, **asdict(self)}
