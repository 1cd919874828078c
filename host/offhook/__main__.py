"""``python -m offhook``."""

import sys

from offhook.main import main

sys.exit(main())
