"""What Asterisk has as modules of their own and the media engine always has: codecs and kinds of sound files.

So that modules.conf of Asterisk may name them, and scripts that look for them find them.
"""

from __future__ import annotations

from offhook.modules import Module

# codecs
codec_a_mu = Module("codec_a_mu", "A-law and Mulaw direct Coder/Decoder", builtin=True)
codec_adpcm = Module("codec_adpcm", "Adaptive Differential PCM Coder/Decoder", builtin=True)
codec_alaw = Module("codec_alaw", "A-law Coder/Decoder", builtin=True)
codec_g722 = Module("codec_g722", "ITU G.722-64kbps G722 Transcoder", builtin=True)
codec_g726 = Module("codec_g726", "ITU G.726-32kbps G726 Transcoder", builtin=True)
codec_gsm = Module("codec_gsm", "GSM Coder/Decoder", builtin=True)
codec_lpc10 = Module("codec_lpc10", "LPC10 2.4kbps Coder/Decoder", builtin=True)
codec_resample = Module("codec_resample", "SLIN Resampling Codec", builtin=True)
codec_ulaw = Module("codec_ulaw", "mu-Law Coder/Decoder", builtin=True)

# parameters of codecs in descriptions
res_format_attr_g729 = Module("res_format_attr_g729", "G.729 Format Attribute Module", builtin=True)
res_format_attr_h263 = Module("res_format_attr_h263", "H.263 Format Attribute Module", builtin=True)
res_format_attr_h264 = Module("res_format_attr_h264", "H.264 Format Attribute Module", builtin=True)
res_format_attr_ilbc = Module("res_format_attr_ilbc", "iLBC Format Attribute Module", builtin=True)
res_format_attr_opus = Module("res_format_attr_opus", "Opus Format Attribute Module", builtin=True)
res_format_attr_siren14 = Module("res_format_attr_siren14", "Siren14 Format Attribute Module", builtin=True)
res_format_attr_siren7 = Module("res_format_attr_siren7", "Siren7 Format Attribute Module", builtin=True)
res_format_attr_vp8 = Module("res_format_attr_vp8", "VP8 Format Attribute Module", builtin=True)

# sound files
format_g719 = Module("format_g719", "ITU G.719", builtin=True)
format_g723 = Module("format_g723", "G.723.1 Simple Timestamp File Format", builtin=True)
format_g726 = Module("format_g726", "Raw G.726 (16/24/32/40kbps) data", builtin=True)
format_g729 = Module("format_g729", "Raw G.729 data", builtin=True)
format_gsm = Module("format_gsm", "Raw GSM data", builtin=True)
format_ilbc = Module("format_ilbc", "Raw iLBC data", builtin=True)
format_ogg_speex = Module("format_ogg_speex", "OGG/Speex audio", builtin=True)
format_pcm = Module("format_pcm", "Raw/Sun uLaw/ALaw 8KHz (PCM,PCMA,AU), G.722 16Khz", builtin=True)
format_siren14 = Module("format_siren14", "ITU G.722.1 Annex C (Siren14, licensed from Polycom)", builtin=True)
format_siren7 = Module("format_siren7", "ITU G.722.1 (Siren7, licensed from Polycom)", builtin=True)
format_sln = Module("format_sln", "Raw Signed Linear Audio support (SLN) 8khz-192khz", builtin=True)
format_vox = Module("format_vox", "Dialogic VOX (ADPCM) File Format", builtin=True)
format_wav = Module("format_wav", "Microsoft WAV/WAV16 format (8kHz/16kHz Signed Linear)", builtin=True)
format_wav_gsm = Module("format_wav_gsm", "Microsoft WAV format (Proprietary GSM)", builtin=True)

# the clock of the engine
res_timing_timerfd = Module("res_timing_timerfd", "Timerfd Timing Interface", builtin=True)
