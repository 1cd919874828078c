# What a build of MicroPython for the RP2040 freezes (FROZEN_MANIFEST=firmware/manifest.py).
# Nothing of micropython-lib is needed beside what the port itself starts with.
freeze("$(PORT_DIR)/modules")
package("supervisor")
module("main.py")
# The link, one definition for both ends.
module("frames.py", base_path="../host/offhook/field/supervisor")
module("messages.py", base_path="../host/offhook/field/supervisor")
