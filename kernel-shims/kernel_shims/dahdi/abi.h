/* The user interface of the DAHDI drivers (frozen since 2.11): numbers of requests and layouts of what they carry. Needs no
 * other header, so that it can be compiled for any ABI to compare sizes. build.py hands it to cffi. */
#ifndef KERNEL_SHIMS_DAHDI_ABI_H
#define KERNEL_SHIMS_DAHDI_ABI_H

#define DAHDI_NONE(number) (0xDA00u | (number))
#define DAHDI_R(number, type) (0x80000000u | (unsigned)sizeof(type) << 16 | DAHDI_NONE(number))
#define DAHDI_W(number, type) (0x40000000u | (unsigned)sizeof(type) << 16 | DAHDI_NONE(number))
#define DAHDI_WR(number, type) (0xC0000000u | (unsigned)sizeof(type) << 16 | DAHDI_NONE(number))

struct dahdi_params {
    int channo, spanno, chanpos, sigtype, sigcap, rxisoffhook, rxbits, txbits, txhooksig, rxhooksig, curlaw, idlebits;
    char name[40];
    int prewinktime, preflashtime, winktime, flashtime, starttime, rxwinktime, rxflashtime, debouncetime;
    int pulsebreaktime, pulsemaketime, pulseaftertime;
    unsigned int chan_alarms;
};

struct dahdi_spaninfo {
    int spanno;
    char name[20], desc[40];
    int alarms, txlevel, rxlevel, bpvcount, crc4count, ebitcount, fascount;
    unsigned int fecount, cvcount, becount, prbs, errsec;
    int irqmisses, syncsrc, numchans, totalchans, totalspans, lbo, lineconfig;
    char lboname[40], location[40], manufacturer[40], devicetype[40];
    int irq, linecompat;
    char spantype[6];
} __attribute__((packed));

struct dahdi_maintinfo {
    int spanno, command;
};

struct dahdi_gains {
    int chan;
    unsigned char rxgain[256], txgain[256];
};

struct dahdi_lineconfig {
    int span;
    char name[20];
    int lbo, lineconfig, sync;
};

struct dahdi_chanconfig {
    int chan;
    char name[40];
    int sigtype, deflaw, master, idlebits;
    char netdev_name[16];
};

struct dahdi_tone_def {
    int tone, next, samples, shift;
    int fac1, init_v2_1, init_v3_1, fac2, init_v2_2, init_v3_2, modulate;
};

struct dahdi_tone_def_header {
    int count, zone, ringcadence[16];
    char name[40];
    /* the tones follow */
};

struct dahdi_bufferinfo {
    int txbufpolicy, rxbufpolicy, numbufs, bufsize, readbufs, writebufs;
};

struct dahdi_dialparams {
    int mfv1_tonelen, dtmf_tonelen, mfr2_tonelen, reserved[3];
};

struct dahdi_dialoperation {
    int op;
    char dialstr[256];
};

struct dahdi_ring_cadence {
    int ringcadence[16];
};

struct dahdi_sfconfig {
    int chan;
    char name[40];
    long rxp1, rxp2, rxp3;
    int txtone, tx_v2, tx_v3, toneflag;
};

struct dahdi_versioninfo {
    char version[80], echo_canceller[80];
};

struct dahdi_attach_echocan {
    int chan;
    char echocan[16];
};

struct dahdi_dynamic_span {
    char driver[20], addr[40];
    int numchans, timing, spanno;
};

struct dahdi_hwgain {
    int newgain;
    unsigned int tx; /* one bit of it */
};

/* wctdm_user.h, which xpp's cards and others take too */
struct dahdi_wctdm_stats {
    int tipvolt, ringvolt, batvolt; /* mV */
};

struct dahdi_wctdm_echo_coefs {
    unsigned char acim, coef[8];
};

#define DAHDI_FLUSH DAHDI_W(3, int)
#define DAHDI_SYNC DAHDI_NONE(4)
#define DAHDI_GET_PARAMS DAHDI_WR(5, struct dahdi_params)
#define DAHDI_SET_PARAMS DAHDI_W(5, struct dahdi_params)
#define DAHDI_HOOK DAHDI_W(7, int)
#define DAHDI_GETEVENT DAHDI_R(8, int)
#define DAHDI_IOMUX DAHDI_WR(9, int)
#define DAHDI_SPANSTAT DAHDI_WR(10, struct dahdi_spaninfo)
#define DAHDI_MAINT DAHDI_W(11, struct dahdi_maintinfo)
#define DAHDI_GETGAINS DAHDI_WR(16, struct dahdi_gains)
#define DAHDI_SETGAINS DAHDI_W(16, struct dahdi_gains)
#define DAHDI_SPANCONFIG DAHDI_W(18, struct dahdi_lineconfig)
#define DAHDI_CHANCONFIG DAHDI_W(19, struct dahdi_chanconfig)
#define DAHDI_SENDTONE DAHDI_W(21, int)
#define DAHDI_GETTONEZONE DAHDI_R(22, int)
#define DAHDI_SETTONEZONE DAHDI_W(22, int)
#define DAHDI_DEFAULTZONE DAHDI_W(24, int)
#define DAHDI_LOADZONE DAHDI_W(25, struct dahdi_tone_def_header)
#define DAHDI_FREEZONE DAHDI_W(26, int)
#define DAHDI_GET_BUFINFO DAHDI_R(27, struct dahdi_bufferinfo)
#define DAHDI_SET_BUFINFO DAHDI_W(27, struct dahdi_bufferinfo)
#define DAHDI_SET_DIALPARAMS DAHDI_W(29, struct dahdi_dialparams)
#define DAHDI_DIAL DAHDI_W(31, struct dahdi_dialoperation)
#define DAHDI_AUDIOMODE DAHDI_W(32, int)
#define DAHDI_ECHOCANCEL DAHDI_W(33, int)
#define DAHDI_CHANNO DAHDI_R(34, int)
#define DAHDI_DIALING DAHDI_R(35, int)
#define DAHDI_SPECIFY DAHDI_W(38, int)
#define DAHDI_SETLAW DAHDI_W(39, int)
#define DAHDI_SETLINEAR DAHDI_W(40, int)
#define DAHDI_SETCADENCE DAHDI_W(42, struct dahdi_ring_cadence)
#define DAHDI_GETRXBITS DAHDI_R(43, int)
#define DAHDI_SETTXBITS DAHDI_W(43, int)
#define DAHDI_SFCONFIG DAHDI_W(46, struct dahdi_sfconfig)
#define DAHDI_TIMERCONFIG DAHDI_W(47, int)
#define DAHDI_TIMERACK DAHDI_W(48, int)
#define DAHDI_ECHOTRAIN DAHDI_W(50, int)
#define DAHDI_ONHOOKTRANSFER DAHDI_W(51, int)
#define DAHDI_TIMERPING DAHDI_NONE(52)
#define DAHDI_TIMERPONG DAHDI_NONE(53)
#define DAHDI_GETVERSION DAHDI_R(57, struct dahdi_versioninfo)
#define DAHDI_LOOPBACK DAHDI_W(58, int)
#define DAHDI_ATTACH_ECHOCAN DAHDI_W(59, struct dahdi_attach_echocan)
#define DAHDI_WCTDM_STATS DAHDI_R(60, struct dahdi_wctdm_stats)
#define DAHDI_WCTDM_ECHOTUNE DAHDI_W(63, struct dahdi_wctdm_echo_coefs)
#define DAHDI_DYNAMIC_CREATE DAHDI_WR(80, struct dahdi_dynamic_span)
#define DAHDI_DYNAMIC_DESTROY DAHDI_W(81, struct dahdi_dynamic_span)
#define DAHDI_SET_HWGAIN DAHDI_W(86, struct dahdi_hwgain)
#define DAHDI_TONEDETECT DAHDI_W(91, int)
#define DAHDI_SETPOLARITY DAHDI_W(92, int)
#define DAHDI_VMWI DAHDI_WR(94, int)
#define DAHDI_VMWI_CONFIG DAHDI_W(95, int)
#define DAHDI_STARTUP DAHDI_W(99, int)
#define DAHDI_SHUTDOWN DAHDI_W(100, int)
#define DAHDI_HDLC_RATE DAHDI_W(101, int)
#define DAHDI_BUFFER_EVENTS DAHDI_W(105, int)

#endif
