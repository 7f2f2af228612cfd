"""Where messages to the user go: to stdout, or to Python's logging."""
import logging

from ..config import disable_interactive_logging, enable_interactive_logging, is_interactive_logging_enabled

__all__ = ["disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled", "print_msg"]


def print_msg(message):
    """Prints a line, or passes it to the logger "fastnn" (level INFO) after `disable_interactive_logging()`."""
    if is_interactive_logging_enabled():
        print(message, flush=True)
    else:
        logging.getLogger("fastnn").info(str(message).strip())
