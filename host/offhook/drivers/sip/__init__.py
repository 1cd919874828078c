"""SIP as a channel technology ("PJSIP" in the dialplan): transports, configuration, registrar, sessions."""
