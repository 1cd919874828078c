"""What may stand in chan_dahdi.conf for digital trunks: ISDN, SS7, MFC/R2."""

from __future__ import annotations

from offhook.config.options import choice, flag, integer, string, words
from offhook.drivers.dahdi.configuration.options import CHANNELS, flags

_option = CHANNELS.option
_PLANS = ("unknown", "private", "local", "national", "international", "dynamic", "redundant")
_OWN_PLANS = (*_PLANS, "from_channel")

# ---- ISDN -----------------------------------------------------------------------------------------------------

_SWITCHES = ("national", "dms100", "4ess", "5ess", "euroisdn", "ni1", "qsig")
_option("switchtype", choice(*_SWITCHES), "national", "The exchange's dialect.")
_option("msn", words(), [], "Numbers, or patterns, that calls are taken for; none: all.")
_NSF = ("none", "sdn", "megacom", "tollfreemegacom", "accunet")
_option("nsf", choice(*_NSF), "none", "Network specific facility.")
_option("service_message_support", flag(), False, "Service messages take channels out of service.")
_option("pridialplan", choice(*_PLANS), "unknown", "Type of called numbers.")
_option("prilocaldialplan", choice(*_OWN_PLANS), "national", "Type of calling numbers.")
_option("pricpndialplan", choice(*_OWN_PLANS), "from_channel", "Type of connected numbers.")
for _name in ("international", "national", "local", "private", "unknown"):
    _option(f"{_name}prefix", string(), "", f"Stands before {_name} numbers of callers.")
_option("resetinterval", string(), "never", "Seconds between restarts of idle B channels; never.")
_option("force_restart_unavailable_chans", flag(), False, "Restart a channel refused with cause 44.")
_option("inband_on_setup_ack", flag(), False, "Sound comes with SETUP ACKNOWLEDGE.")
_option("inband_on_proceeding", flag(), False, "Sound comes with CALL PROCEEDING.")
_OVERLAP = {"yes": "both", "true": "both", "on": "both", "false": "no", "off": "no"}
_option("overlapdial", choice("no", "incoming", "outgoing", "both", aliases=_OVERLAP), "no", "Digits one by one.")
_DISPLAY = ("block", "name_initial", "name_update", "name", "text")
_option("display_send", flags(*_DISPLAY), frozenset(), "What is sent as display text.")
_option("display_receive", flags(*_DISPLAY), frozenset(), "What display text received is used for.")
_option("mcid_send", flag(), False, "Malicious calls may be reported.")
_DATES = ("", "no", "date", "date_hh", "date_hhmm", "date_hhmmss")
_option("datetime_send", choice(*_DATES), "", "Date and time in CONNECT.")
_option("colp_send", choice("block", "connect", "update"), "update", "When the connected party is told.")
_option("inbanddisconnect", flag(), False, "Sound goes on after DISCONNECT.")
_option("hold_disconnect_transfer", flag(), False, "Hanging up on two calls joins them.")
_option("layer1_presence", choice("required", "ignore"), "required", "Whether calls out need layer 1 up.")
_option("layer2_persistence", choice("", "keep_up", "leave_down"), "", "Layer 2 after the peer took it down.")
_option("priindication", choice("outofband", "inband"), "inband", "How busy is told.")
_option("priexclusive", flag(), False, "Only the channel asked for will do.")
_option("qsigchannelmapping", choice("logical", "physical"), "physical", "How QSIG counts channels.")
_option("discardremoteholdretrieval", flag(), False, "The far end's hold is not told.")
_option("pritimer", string(), None, "A timer or counter of layers 2 and 3: name,value.", many=True)
_option("cc_ptmp_recall_mode", choice("specific", "global"), "specific", "Who is called back (CCBS).")
_option("cc_qsig_signaling_link_req", choice("retain", "release", "do_not_care"), "retain", "CC link, requesting.")
_option("cc_qsig_signaling_link_rsp", choice("retain", "release"), "retain", "CC link, responding.")
_option("facilityenable", flag(), False, "Supplementary services in FACILITY.")
_option("aoc_enable", flags("s", "d", "e"), frozenset(), "Advice of charge passed on: s, d, e.")
_option("aoce_delayhangup", flag(), False, "Wait for the last advice of charge.")
_option("max_call_waiting_calls", integer(0, 100), 0, "Calls that may wait without a B channel.")
_option("allow_call_waiting_calls", flag(), False, "Take calls without a B channel.")
_option("mwi_mailboxes", string(), "", "Mailboxes whose messages are told.")
_option("mwi_vm_boxes", string(), "", "The numbers they are told as.")
_option("mwi_vm_numbers", string(), "", "What to dial to hear them.")
_option("append_msn_to_cid_tag", flag(), False, "The number called is added to the tag.")
_MOH = ("moh", "notify", "hold")
_option("moh_signaling", choice(*_MOH), "moh", "What the far end's hold does.", aliases=("moh_signalling",))
_option("minunused", integer(0, 1024), 2, "Channels kept free of idle calls.")
_option("minidle", integer(0, 1024), 0, "Idle calls kept up.")
_option("idleext", string(), "", "exten@context of idle calls.")
_option("idledial", string(), "", "What idle calls dial.")
for _name, _words in (
    ("cc_agent_policy", ("never", "generic", "native")),
    ("cc_monitor_policy", ("never", "generic", "native", "always")),
):
    _option(_name, choice(*_words), "never", "Call completion (ccss.conf).")
for _name, _default in (
    ("cc_offer_timer", 20),
    ("ccbs_available_timer", 4800),
    ("ccnr_available_timer", 7200),
    ("cc_recall_timer", 20),
    ("cc_max_agents", 5),
    ("cc_max_monitors", 5),
):
    _option(_name, integer(0), _default, "Call completion (ccss.conf).")
_option("cc_callback_macro", string(), "", "Call completion (ccss.conf).")
_option("cc_callback_sub", string(), "", "Call completion (ccss.conf).")
_option("cc_agent_dialstring", string(), "", "Call completion (ccss.conf).")

# ---- SS7 ------------------------------------------------------------------------------------------------------

_NATURES = ("unknown", "subscriber", "national", "international", "dynamic")
_option("ss7type", choice("itu", "ansi"), "itu", "Variant of SS7.")
_option("ss7_called_nai", choice(*_NATURES), "national", "Nature of called numbers.")
_option("ss7_calling_nai", choice(*_NATURES), "national", "Nature of calling numbers.")
for _name in ("international", "national", "subscriber", "unknown", "networkrouted"):
    _option(f"ss7_{_name}prefix", string(), "", f"Stands before {_name} numbers that come in.")
_option("ss7_explicitacm", flag(), False, "ACM is sent by Proceeding() alone.")
_option("ss7_autoacm", flag(), False, "ACM is sent when it rings or is answered.")
_option("ss7_initialhwblo", flag(), False, "Circuits begin blocked by hardware.")
_option("ss7_use_echocontrol", flag(), False, "Believe the far end's echo control.")
_option("ss7_default_echocontrol", flag(), False, "Our echo control as we tell it.")
_option("linkset", integer(1, 32), 1, "Linkset of what follows.")
_option("slc", integer(0, 15), None, "Signalling link code of the next link.")
_option("pointcode", string(), "", "Our point code.")
_option("adjpointcode", string(), "", "The neighbour's point code.")
_option("defaultdpc", string(), "", "Point code that calls go to.")
_option("cicbeginswith", integer(0, 16383), None, "Circuit code of the next channel.")
_NETWORKS = ("national", "national_spare", "international", "international_spare")
_option("networkindicator", choice(*_NETWORKS), "national", "Network indicator.")
_option("sigchan", integer(1, 1024), None, "A signalling channel.", many=True)
_option("inr_if_no_calling", flag(), False, "Ask for a calling number that is missing.")
_option("non_isdn_access", flag(), False, "Calls do not come from ISDN.")
_option("sls_shift", integer(0, 7), 0, "Places that circuit codes are shifted to share links.")
_option("cause_location", integer(0, 15), 1, "Location in causes.")

# ---- MFC/R2 ---------------------------------------------------------------------------------------------------

_option("mfcr2_variant", string(), "itu", "Country: ar, br, cn, cz, co, ec, id, itu, mx, ph, ve.")
_option("mfcr2_max_ani", integer(0, 80), 10, "Most digits asked of the caller's number.")
_option("mfcr2_max_dnis", integer(0, 80), 4, "Most digits asked of the called number.")
_option("mfcr2_get_ani_first", flag(), None, "Ask for the caller's number first.")
_CATEGORIES = (
    *("national_subscriber", "national_priority_subscriber", "international_subscriber"),
    *("international_priority_subscriber", "collect_call"),
)
_option("mfcr2_category", choice(*_CATEGORIES), "national_subscriber", "Category of our callers.")
_option("mfcr2_logdir", string(), "", "Folder of call files, below the log's.")
_option("mfcr2_call_files", flag(), False, "Write a file a call.")
_LOGGED = ("all", "error", "warning", "debug", "notice", "cas", "mf", "stack", "nothing")
_option("mfcr2_logging", flags(*_LOGGED), frozenset({"error", "warning"}), "What is logged.")
_option("mfcr2_mfback_timeout", integer(-1, 60_000, "ms"), -1, "Wait for a backward tone; -1: the variant's.")
_option("mfcr2_metering_pulse_timeout", integer(-1, 60_000, "ms"), -1, "Longest metering pulse; -1: the variant's.")
_option("mfcr2_allow_collect_calls", flag(), False, "Take collect calls.")
_option("mfcr2_double_answer", flag(), False, "Answer twice, against collect calls.")
_option("mfcr2_immediate_accept", flag(), None, "Skip group B.")
_option("mfcr2_accept_on_offer", flag(), True, "Accept before the dialplan answers.")
_option("mfcr2_skip_category", flag(), None, "Do not ask for category and number of the caller.")
_option("mfcr2_advanced_protocol_file", string(), "", "Protocol definitions.")
_option("mfcr2_forced_release", flag(), False, "Have the line released at once (Brazil).")
_option("mfcr2_charge_calls", flag(), True, "Accept with charge.")
_option("mfcr2_dtmf_detection", flag(), None, "Numbers come in DTMF.")
_option("mfcr2_dtmf_dialing", flag(), None, "Numbers are sent in DTMF.")
_option("mfcr2_dtmf_time_on", integer(10, 1000, "ms"), 50, "Length of a digit sent.")
_option("mfcr2_dtmf_time_off", integer(10, 1000, "ms"), 100, "Pause between digits.")
_option("mfcr2_dtmf_end_timeout", integer(-1, 60_000, "ms"), -1, "End of a number in DTMF.")
