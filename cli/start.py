"""What the `ecom` script calls first: imports are inside its `try`, so that Ctrl-C is never a traceback."""


def run() -> None:
    """Run the command line; end with 130, as shells do, if it is interrupted before anything handles that."""
    try:
        from cli.main import run as run_main

        run_main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
