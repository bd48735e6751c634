"""What the platform is: its configuration and its contract, with no cloud SDK and no pipeline code."""
