"""Python face of the media engine."""

from offhook.media.detecting import Detector, ListenedTone, detect_data, detect_signals, detect_tones, send_data
from offhook.media.engine import Engine, Figures, Settings
from offhook.media.errors import EngineError, NoPort, UnsupportedMedia
from offhook.media.events import (
    CarrierHeard,
    DataHeard,
    DigitBegin,
    DigitEnd,
    FarEndAddressLearned,
    FarEndQuiet,
    MediaEvent,
    Noise,
    PlaybackAdvanced,
    PlaybackDone,
    RecordDone,
    RtcpReceived,
    RtcpSent,
    RtpTimeout,
    SignalHeard,
    Silence,
    SourceJudged,
    ToneHeard,
)
from offhook.media.formats import (
    ALL,
    FORMATS,
    Choice,
    Format,
    Formats,
    Kind,
    format_for_encoding,
    format_for_extension,
    format_for_payload_type,
    format_named,
    parse_allow,
)
from offhook.media.leg import Leg, NullLeg, PipeLeg, SnoopLeg
from offhook.media.mixer import Mixer
from offhook.media.moh import MohClass, MohSource
from offhook.media.playing import Playback, Prompt
from offhook.media.prompts import PromptLibrary
from offhook.media.recording import Recording, Watch
from offhook.media.rtp import RelayLeg, RtpLeg
from offhook.media.rtp_figures import RtpStats
from offhook.media.tones import Tone, ToneSpec, ToneZone, parse_tone_list
from offhook.media.translation import translation_cost, translation_path

__all__ = [
    "ALL",
    "FORMATS",
    "CarrierHeard",
    "Choice",
    "DataHeard",
    "Detector",
    "DigitBegin",
    "DigitEnd",
    "Engine",
    "EngineError",
    "FarEndAddressLearned",
    "FarEndQuiet",
    "Figures",
    "Format",
    "Formats",
    "Kind",
    "Leg",
    "ListenedTone",
    "MediaEvent",
    "Mixer",
    "MohClass",
    "MohSource",
    "NoPort",
    "Noise",
    "NullLeg",
    "PipeLeg",
    "Playback",
    "PlaybackAdvanced",
    "PlaybackDone",
    "Prompt",
    "PromptLibrary",
    "RecordDone",
    "Recording",
    "RelayLeg",
    "RtcpReceived",
    "RtcpSent",
    "RtpLeg",
    "RtpStats",
    "RtpTimeout",
    "Settings",
    "SignalHeard",
    "Silence",
    "SnoopLeg",
    "SourceJudged",
    "Tone",
    "ToneHeard",
    "ToneSpec",
    "ToneZone",
    "UnsupportedMedia",
    "Watch",
    "detect_data",
    "detect_signals",
    "detect_tones",
    "format_for_encoding",
    "format_for_extension",
    "format_for_payload_type",
    "format_named",
    "parse_allow",
    "parse_tone_list",
    "send_data",
    "translation_cost",
    "translation_path",
]
