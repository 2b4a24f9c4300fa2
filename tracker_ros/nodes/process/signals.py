"""The signals that end a node's process."""

import signal


def handle(handler) -> None:
    """Give all of them a handler, as ``signal.signal`` takes it.

    SIGHUP is none of them where it is ignored, as ``nohup`` wants it.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
