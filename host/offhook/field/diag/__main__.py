"""``python -m offhook.field.diag``: the login shell of the account diag."""

import sys

from offhook.field.diag.shell import main

sys.exit(main())
