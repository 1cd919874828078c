"""The option tables of asterisk.conf, logger.conf and modules.conf."""

from __future__ import annotations

from offhook.config.options import Schema, choice, flag, integer, number, octal, string, words

ASTERISK = Schema("core", "asterisk.conf", "where everything lives, and how the daemon runs")

_directories = ASTERISK.type("directories", "Where everything lives.")
for _name, _path, _text in (
    ("astetcdir", "/etc/offhook", "Configuration files."),
    ("astmoddir", "/usr/lib/offhook/modules", "Kept for tools that look there; Offhook loads nothing from it."),
    ("astvarlibdir", "/var/lib/offhook", "What must survive a restart."),
    ("astdbdir", "/var/lib/offhook", "The AstDB, astdb.sqlite3."),
    ("astkeydir", "/var/lib/offhook", "Crypto keys, below keys/."),
    ("astdatadir", "/var/lib/offhook", "Prompts and other data."),
    ("astagidir", "/var/lib/offhook/agi-bin", "AGI programs."),
    ("astspooldir", "/var/spool/offhook", "Voicemail, recordings, call files."),
    ("astcachedir", "/var/cache/offhook", "What may be lost."),
    ("astrundir", "/run/offhook", "The control socket and the process id."),
    ("astlogdir", "/var/log/offhook", "Logs and call records."),
    ("astsbindir", "/usr/sbin", "Programs."),
):
    _directories.option(_name, string(), _path, _text)

_files = ASTERISK.type("files", "The control socket. More than the owner being able to connect is a risk.")
_files.option("astctl", string(), "asterisk.ctl", "Name of the socket below astrundir.")
_files.option("astctlpermissions", octal(), None, "Mode of the socket.")
_files.option("astctlowner", string(), None, "Owner of the socket.")
_files.option("astctlgroup", string(), None, "Group of the socket.")

_options = ASTERISK.type("options", "How the daemon runs.")
_options.option("verbose", integer(0), 0, "How much the console and the log are told (-v).")
_options.option("debug", integer(0), 0, "How much developers are told (-d).")
_options.option("alwaysfork", flag(), False, "Go to the background even with verbose or debug (-F).")
_options.option("nofork", flag(), False, "Stay in the foreground (-f).")
_options.option("quiet", flag(), False, "Print nothing while starting (-q).")
_options.option("timestamp", flag(), False, "Times before every verbose line (-T).")
_options.option("execincludes", flag(), False, "Allow #exec in configuration files.")
_options.option("console", flag(), False, "Run with a console in the foreground (-c).")
_options.option("highpriority", flag(), False, "Run with real-time priority (-p).")
_options.option("initcrypto", flag(), False, "Ask for the pass phrases of crypto keys at start (-i).")
_options.option("nocolor", flag(), False, "No colours on the console (-n).")
_options.option("dontwarn", flag(), False, "Leave some warnings out.")
_options.option("dumpcore", flag(), False, "Dump core on a crash (-g).")
_options.option("languageprefix", flag(), True, "Prompts lie in a folder a language (sounds/en/digits/1).")
_options.option("systemname", string(), "", "Stands before the unique ids of channels.")
_options.option("autosystemname", flag(), False, "Take the host name as systemname.")
_options.option("mindtmfduration", integer(0, 65535, "ms"), 80, "Shorter digits are made so long.")
_options.option("maxcalls", integer(0), 0, "The most calls at once; 0 for no limit (-M).")
_options.option("maxload", number(0), 0.0, "No new calls above this load average; 0 for no limit (-L).")
_options.option("maxfiles", integer(0), 0, "Limit of open files; 0 keeps the system's.")
_options.option("minmemfree", integer(0, unit="MB"), 0, "No new calls with less free memory (-e).")
_options.option("cache_media_frames", flag(), True, "Taken for compatibility: the engine allocates nothing per frame.")
_options.option("cache_record_files", flag(), False, "Record elsewhere first, and move what is complete (-t).")
_options.option("record_cache_dir", string(), "/tmp", "Where cache_record_files records.")
_options.option("transmit_silence", flag(), False, "Send silence while a channel waits or records.")
_options.option("transcode_via_sln", flag(), True, "Convert between codecs by way of linear audio.")
_options.option("runuser", string(), "", "Run as this user (-U).")
_options.option("rungroup", string(), "", "Run as this group (-G).")
_options.option("lightbackground", flag(), False, "The terminal's background is light (-W).")
_options.option("forceblackbackground", flag(), False, "Make the terminal's background black (-B).")
_options.option("defaultlanguage", string(), "en", "Language of prompts where nothing else says so.")
_options.option("documentation_language", string(), "en_US", "Taken for compatibility: manuals are in English.")
_options.option("hideconnect", flag(), False, "Do not tell when consoles connect and leave.")
_options.option("lockconfdir", flag(), False, "Lock the configuration directory while it is read.")
_options.option("stdexten", choice("gosub", "macro"), "gosub", "Taken for compatibility: always gosub.")
_options.option(
    "live_dangerously",
    flag(),
    False,
    "Let outside interfaces use functions that run programs or touch files, and read and write configuration files "
    "outside the configuration directory.",
)
_options.option("entityid", string(), "", "Identifies this server to others, written like a MAC address.")
_options.option("rtp_use_dynamic", flag(), True, "Give out dynamic RTP payload types call by call.")
_options.option("rtp_pt_dynamic", integer(0, 96), 35, "First dynamic RTP payload type once 96 to 127 are used up.")
_options.option("hide_messaging_ami_events", flag(), False, "No manager events about channels that carry messages.")
_options.option("sounds_search_custom_dir", flag(), False, "Look for prompts in sounds/custom first.")
_options.option("channel_storage_backend", string(), "ao2_legacy", "Taken for compatibility.")
_options.option("disable_remote_console_shell", flag(), False, 'Remote consoles do not run shell commands with "!".')
_options.option("lockmode", choice("lockfile", "flock"), "lockfile", "How voicemail folders are locked.")

LOGGER = Schema("logger", "logger.conf", "what is logged, and where")
_general = LOGGER.type("general", "How the log looks and where its files go.")
_general.option("dateformat", string(), "%b %e %T", "Times as strftime(3) writes them; %3q is milliseconds.")
_general.option("display_callids", flag(), True, "Name the call in each message.", aliases=("use_callids",))
_general.option("appendhostname", flag(), False, "End the names of files with the host name.")
_general.option("queue_log", flag(), True, "Record what happens in queues.")
_general.option("queue_log_to_file", flag(), False, "To a file even when a database has the records.")
_general.option("queue_log_name", string(), "queue_log", "Name of that file.")
_general.option("queue_log_realtime_use_gmt", flag(), False, "Times in the database in UTC.")
_general.option(
    "rotatestrategy",
    choice("none", "sequential", "rotate", "timestamp"),
    "sequential",
    "What becomes of full files: nothing, the next number, number 0 with the others moving up, or the time.",
)
_general.option("rotatetimestamp", flag(), False, "The old way to write rotatestrategy = timestamp.")
_general.option("exec_after_rotate", string(), "", "A command run afterwards; ${filename} is the file.")
_general.option("logger_queue_limit", integer(10), 1000, "So many messages may wait for the disk.")
_general.option("custom_levels", words(), [], "Further levels, for the application Log.")
_logfiles = LOGGER.type(
    "logfiles",
    "One line a channel: console, syslog.facility or the name of a file, then its levels: debug, notice, warning, "
    "error, verbose(3), dtmf, fax, security or *; [json] or [plain] may stand before them.",
    open=True,
)

MODULES = Schema("loader", "modules.conf", "what is loaded")
_modules = MODULES.type("modules", "Names are those of the files of Asterisk's modules.")
_modules.option("autoload", flag(), False, "Load every module that noload does not exclude.")
for _name, _text in (
    ("load", "Load this module."),
    ("noload", "Do not load this module."),
    ("require", "Load this module, and do not start without it."),
    ("preload", "Load this module before the others."),
    ("preload-require", "Load this module before the others, and do not start without it."),
):
    _modules.option(_name, string(), [], _text, many=True)
