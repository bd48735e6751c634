"""What every answer says to the browser, and which requests get none."""

import flask

_LOCAL = ("127.0.0.1", "localhost")


def guard(server: flask.Flask, script_hashes: list[str]) -> None:
    """Let the browser load nothing from elsewhere, and answer only who asks this machine."""
    scripts = " ".join(["'self'", *dict.fromkeys(script_hashes)])
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    @server.before_request
    def only_for_here() -> flask.Response | None:
        # A web site elsewhere may let its own name point at this machine, and so read what is served here.
        host = flask.request.host.rsplit(":", 1)[0]
        if host in _LOCAL:
            return None
        return flask.Response(
            f"this page is served as {' and '.join(_LOCAL)} only\n", 421, mimetype="text/plain"
        )

    @server.after_request
    def protect(answer: flask.Response) -> flask.Response:
        answer.headers["Content-Security-Policy"] = policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer
