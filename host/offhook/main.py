"""The program: the daemon, or a console of a running one, by the command line of asterisk(8)."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run with the given command line (the process's own by default); the exit status."""
    import getopt

    from offhook.daemon.settings import HELP, settle

    program = os.path.basename(sys.argv[0])
    try:
        settings = settle(sys.argv[1:] if arguments is None else arguments, program)
    except getopt.GetoptError as error:
        print(f"{program}: {error}\nSee '{program} -h'.", file=sys.stderr)
        return 1
    if settings.show_help:
        print(HELP, end="")
        return 0
    if settings.show_version:
        from offhook import ASTERISK_VERSION, __version__

        print(f"Asterisk {ASTERISK_VERSION} (Offhook {__version__})")
        return 0
    if settings.remote:
        if settings.execute is not None:
            from offhook.control.cli.remote import execute

            return execute(settings.paths.socket, settings.execute)
        from offhook.control.cli.console import console

        return console(settings)
    from offhook.daemon.start import daemon

    return daemon(settings)


if __name__ == "__main__":
    sys.exit(main())
