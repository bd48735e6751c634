"""The headers by which a message that went through the DLQ says where it was first read, and how often."""

ORIGIN_HEADER = "ecom-origin"
ATTEMPT_HEADER = "ecom-attempt"
# How many bytes the message had, where they are left out because the DLQ topic refused them.
OMITTED_HEADER = "ecom-omitted-bytes"
# Anybody may write such headers: only what fits the ledger's columns, and is ASCII, is read at all.
ORIGIN_PATTERN = r"[A-Za-z0-9._-]{1,249}/[0-9]{1,9}/[0-9]{1,18}"
ATTEMPT_PATTERN = r"[0-9]{1,6}"
