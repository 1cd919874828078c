"""pjsip.conf, its wizard and its databases: sections as typed objects."""
