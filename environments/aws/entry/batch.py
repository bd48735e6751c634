"""What EMR Serverless starts for a step of the batch; the step and its options are the arguments."""

import runpy

runpy.run_module("pipeline.jobs", run_name="__main__", alter_sys=True)
