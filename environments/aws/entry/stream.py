"""What EMR Serverless starts for the streaming job."""

import runpy

runpy.run_module("pipeline.stream", run_name="__main__", alter_sys=True)
