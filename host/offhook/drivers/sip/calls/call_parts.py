"""What belongs to every call, under the module names Asterisk gives it."""

from __future__ import annotations

from offhook.modules import Module

_CALLS = ("res_pjsip",)

session = Module("res_pjsip_session", "PJSIP Session resource", depends=_CALLS, priority=20)
rtp = Module("res_pjsip_sdp_rtp", "PJSIP SDP RTP/AVP stream handler", depends=("res_pjsip_session",), priority=21)
caller_id = Module("res_pjsip_caller_id", "PJSIP Caller ID Support", depends=("res_pjsip_session",), priority=21)
diversion = Module(
    "res_pjsip_diversion", "PJSIP Add Diversion Header Support", depends=("res_pjsip_session",), priority=21
)
reason = Module("res_pjsip_rfc3326", "PJSIP RFC3326 Support", depends=("res_pjsip_session",), priority=21)
dtmf_info = Module("res_pjsip_dtmf_info", "PJSIP DTMF INFO Support", depends=("res_pjsip_session",), priority=21)
empty_info = Module("res_pjsip_empty_info", "PJSIP Empty INFO Support", depends=("res_pjsip_session",), priority=21)
record_key = Module(
    "res_pjsip_one_touch_record_info",
    "PJSIP INFO One Touch Recording Support",
    depends=("res_pjsip_session",),
    priority=21,
)
dialog_options = Module(
    "res_pjsip_dlg_options", "SIP OPTIONS in dialog handler", depends=("res_pjsip_session",), priority=21
)
refer = Module(
    "res_pjsip_refer", "PJSIP Blind and Attended Transfer Support", depends=("res_pjsip_session",), priority=21
)
