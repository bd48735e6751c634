"""The `ecom` command where it is not installed: `python -m cli`."""

from cli.start import run

if __name__ == "__main__":
    run()
