/* What is used of libss7 (2.0), as cffi reads it; "...;" leaves the rest of a structure to the compiler. */

struct timeval { long tv_sec; long tv_usec; ...; };
struct ss7;
struct isup_call;

typedef struct {
    int e; int cic; int transcap; int cot_check_required; int cot_performed_on_previous_cic;
    char called_party_num[50]; unsigned char called_nai;
    char calling_party_num[50]; unsigned char calling_party_cat; unsigned char calling_nai;
    unsigned char presentation_ind; unsigned char screening_ind;
    char charge_number[50];
    unsigned char gen_add_num_plan; unsigned char gen_add_nai; char gen_add_number[50];
    unsigned char gen_add_pres_ind; unsigned char gen_add_type;
    char gen_dig_number[50]; unsigned char gen_dig_type; unsigned char gen_dig_scheme;
    char jip_number[50]; char lspi_ident[50];
    char orig_called_num[50]; unsigned char orig_called_nai;
    unsigned char orig_called_pres_ind; unsigned char orig_called_screening_ind;
    char redirecting_num[50]; unsigned char redirecting_num_nai;
    unsigned char redirecting_num_presentation_ind; unsigned char redirecting_num_screening_ind;
    unsigned char redirect_counter; unsigned char redirect_info; unsigned char redirect_info_ind;
    unsigned char redirect_info_orig_reas; unsigned char redirect_info_reas; unsigned char redirect_info_counter;
    unsigned char echocontrol_ind; char generic_name[50]; int oli_ani2;
    unsigned char cug_indicator; char cug_interlock_ni[5]; unsigned short cug_interlock_code;
    unsigned int opc; unsigned long got_sent_msg; struct isup_call *call; ...;
} ss7_event_iam;
typedef struct {
    int e; int cic; int cause; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call; ...;
} ss7_event_rel;
typedef struct { int e; int cic; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call; ...; } ss7_event_cic;
typedef struct { int e; int cic; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call; ...; } ss7_event_rsc;
typedef struct {
    int e; int cic; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call;
    char connected_num[50]; unsigned char connected_nai; unsigned char connected_presentation_ind;
    unsigned char connected_screening_ind; unsigned char echocontrol_ind; ...;
} ss7_event_con;
typedef struct {
    int e; int cic; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call;
    char connected_num[50]; unsigned char connected_nai; unsigned char connected_presentation_ind;
    unsigned char connected_screening_ind; unsigned char echocontrol_ind; ...;
} ss7_event_anm;
typedef struct {
    int e; int cic; unsigned int opc; unsigned char event; unsigned long got_sent_msg; struct isup_call *call;
    char connected_num[50]; unsigned char connected_nai; unsigned char connected_presentation_ind;
    unsigned char connected_screening_ind; unsigned char echocontrol_ind; ...;
} ss7_event_cpg;
typedef struct {
    int e; int cic; unsigned int opc; unsigned long got_sent_msg; struct isup_call *call;
    unsigned char called_party_status_ind; unsigned char echocontrol_ind; ...;
} ss7_event_acm;
typedef struct {
    int e; int startcic; int endcic; int type; unsigned int opc; unsigned char status[255];
    unsigned long got_sent_msg; struct isup_call *call; ...;
} ss7_event_cicrange;
typedef struct {
    int e; int cic; int passed; int cot_performed_on_previous_cic; unsigned int opc; unsigned long got_sent_msg;
    struct isup_call *call; ...;
} ss7_event_cot;
typedef struct { int e; int cic; unsigned int opc; struct isup_call *call; ...; } ss7_event_frj;
typedef struct { int e; int cic; unsigned int opc; struct isup_call *call; ...; } ss7_event_faa;
typedef struct { int e; int cic; unsigned int opc; struct isup_call *call; ...; } ss7_event_far;
typedef struct {
    int e; int cic; int network_isdn_indicator; unsigned int opc; unsigned long got_sent_msg;
    struct isup_call *call; ...;
} ss7_event_sus_res;
typedef struct {
    int e; int cic; unsigned int opc; char called_party_num[50];
    int cot_check_required; int cot_check_passed; int cot_performed_on_previous_cic;
    unsigned long got_sent_msg; struct isup_call *call; ...;
} ss7_event_sam;
typedef struct {
    int e; int cic; unsigned int opc;
    int cot_check_required; int cot_check_passed; int cot_performed_on_previous_cic; struct isup_call *call; ...;
} ss7_event_digittimeout;
typedef union {
    int e;
    ss7_event_iam iam; ss7_event_cicrange grs; ss7_event_cicrange cqm; ss7_event_cicrange gra;
    ss7_event_cicrange cgb; ss7_event_cicrange cgu; ss7_event_cicrange cgba; ss7_event_cicrange cgua;
    ss7_event_rel rel; ss7_event_cic rlc; ss7_event_anm anm; ss7_event_acm acm;
    ss7_event_frj frj; ss7_event_faa faa; ss7_event_far far; ss7_event_con con; ss7_event_cot cot;
    ss7_event_cic ccr; ss7_event_cic cvt; ss7_event_cic blo; ss7_event_cic ubl; ss7_event_cic bla;
    ss7_event_cic uba; ss7_event_cic ucic; ss7_event_rsc rsc; ss7_event_cpg cpg;
    ss7_event_sus_res sus; ss7_event_sus_res res; ss7_event_cic lpa;
    ss7_event_sam sam; ss7_event_digittimeout digittimeout;
    ...;
} ss7_event;

/* Linksets and their links. */
struct ss7 *ss7_new(int switchtype);
void ss7_destroy(struct ss7 *ss7);
int ss7_add_link(struct ss7 *ss7, int transport, int fd, int slc, unsigned int adjpc);
int ss7_set_network_ind(struct ss7 *ss7, int ni);
int ss7_set_pc(struct ss7 *ss7, unsigned int pc);
void ss7_set_cause_location(struct ss7 *ss7, unsigned char location);
void ss7_set_sls_shift(struct ss7 *ss7, unsigned char shift);
void ss7_set_flags(struct ss7 *ss7, unsigned int flags);
void ss7_clear_flags(struct ss7 *ss7, unsigned int flags);
void ss7_set_debug(struct ss7 *ss7, unsigned int flags);
int ss7_set_mtp3_timer(struct ss7 *ss7, char *name, int ms);
int ss7_set_isup_timer(struct ss7 *ss7, char *name, int ms);
ss7_event *ss7_check_event(struct ss7 *ss7);
int ss7_start(struct ss7 *ss7);
int ss7_read(struct ss7 *ss7, int fd);
int ss7_write(struct ss7 *ss7, int fd);
void ss7_link_alarm(struct ss7 *ss7, int fd);
void ss7_link_noalarm(struct ss7 *ss7, int fd);
const char *ss7_get_version(void);
int ss7_pollflags(struct ss7 *ss7, int fd);
struct timeval *ss7_schedule_next(struct ss7 *ss7);
const char *mtp3_net_mng(struct ss7 *ss7, unsigned int slc, const char *cmd, unsigned int param);
void mtp3_init_restart(struct ss7 *ss7, int slc);

/* Calls. */
struct isup_call *isup_new_call(struct ss7 *ss7, int cic, unsigned int dpc, int outgoing);
struct isup_call *isup_free_call_if_clear(struct ss7 *ss7, struct isup_call *c);
void isup_free_call(struct ss7 *ss7, struct isup_call *c);
void isup_clear_callflags(struct ss7 *ss7, struct isup_call *c, unsigned long flags);
int isup_start_digittimeout(struct ss7 *ss7, struct isup_call *c);
int isup_event_iam(struct ss7 *ss7, struct isup_call *c, int opc);
int isup_iam(struct ss7 *ss7, struct isup_call *c);
int isup_anm(struct ss7 *ss7, struct isup_call *c);
int isup_con(struct ss7 *ss7, struct isup_call *c);
int isup_acm(struct ss7 *ss7, struct isup_call *c);
int isup_frj(struct ss7 *ss7, struct isup_call *c);
int isup_far(struct ss7 *ss7, struct isup_call *c);
int isup_rel(struct ss7 *ss7, struct isup_call *c, int cause);
int isup_rlc(struct ss7 *ss7, struct isup_call *c);
int isup_sus(struct ss7 *ss7, struct isup_call *c, unsigned char indicator);
int isup_res(struct ss7 *ss7, struct isup_call *c, unsigned char indicator);
int isup_cpg(struct ss7 *ss7, struct isup_call *c, int event);
int isup_lpa(struct ss7 *ss7, int cic, unsigned int dpc);
int isup_gra(struct ss7 *ss7, struct isup_call *c, int endcic, unsigned char state[]);
int isup_grs(struct ss7 *ss7, struct isup_call *c, int endcic);
int isup_cgb(struct ss7 *ss7, struct isup_call *c, int endcic, unsigned char state[], int type);
int isup_cgu(struct ss7 *ss7, struct isup_call *c, int endcic, unsigned char state[], int type);
int isup_cgba(struct ss7 *ss7, struct isup_call *c, int endcic, unsigned char state[]);
int isup_cgua(struct ss7 *ss7, struct isup_call *c, int endcic, unsigned char state[]);
int isup_blo(struct ss7 *ss7, struct isup_call *c);
int isup_ubl(struct ss7 *ss7, struct isup_call *c);
int isup_bla(struct ss7 *ss7, struct isup_call *c);
int isup_uba(struct ss7 *ss7, struct isup_call *c);
int isup_ucic(struct ss7 *ss7, int cic, unsigned int dpc);
int isup_rsc(struct ss7 *ss7, struct isup_call *c);
int isup_cvr(struct ss7 *ss7, int cic, unsigned int dpc);
int isup_cqr(struct ss7 *ss7, int begincic, int endcic, unsigned int dpc, unsigned char status[]);

void isup_set_call_dpc(struct isup_call *c, unsigned int dpc);
void isup_set_called(struct isup_call *c, const char *called, unsigned char nature, const struct ss7 *ss7);
void isup_set_calling(struct isup_call *c, const char *number, unsigned char nature, unsigned char presentation,
                      unsigned char screening);
void isup_set_connected(struct isup_call *c, const char *number, unsigned char nature, unsigned char presentation,
                        unsigned char screening);
void isup_set_redirecting_number(struct isup_call *c, const char *number, unsigned char nature,
                                 unsigned char presentation, unsigned char screening);
void isup_set_redirection_info(struct isup_call *c, unsigned char indicator, unsigned char original_reason,
                               unsigned char counter, unsigned char reason);
void isup_set_redirect_counter(struct isup_call *c, unsigned char redirect_counter);
void isup_set_orig_called_num(struct isup_call *c, const char *number, unsigned char nature,
                              unsigned char presentation, unsigned char screening);
void isup_set_tmr(struct isup_call *c, int tmr);
void isup_set_charge(struct isup_call *c, const char *charge, unsigned char nature, unsigned char plan);
void isup_set_oli(struct isup_call *c, int oli_ani2);
void isup_set_gen_address(struct isup_call *c, const char *number, unsigned char nature, unsigned char presentation,
                          unsigned char plan, unsigned char type);
void isup_set_gen_digits(struct isup_call *c, const char *number, unsigned char type, unsigned char scheme);
void isup_set_generic_name(struct isup_call *c, const char *name, unsigned int type, unsigned int availability,
                           unsigned int presentation);
void isup_set_jip_digits(struct isup_call *c, const char *jip_number);
void isup_set_lspi(struct isup_call *c, const char *ident, unsigned char type, unsigned char scheme,
                   unsigned char context);
void isup_set_callref(struct isup_call *c, unsigned int ident, unsigned int point_code);
void isup_set_calling_party_category(struct isup_call *c, unsigned int category);
void isup_set_col_req(struct isup_call *c);
void isup_set_cug(struct isup_call *c, unsigned char indicator, const char *network, unsigned short code);
void isup_set_interworking_indicator(struct isup_call *c, unsigned char interworking_indicator);
void isup_set_forward_indicator_pmbits(struct isup_call *c, unsigned char pmbits);
void isup_set_echocontrol(struct isup_call *c, unsigned char ec);

/* glue.c */
void ss7_tell_us(void);
void ss7_move_timers(struct ss7 *ss7, long long microseconds);
void ss7_run_first(struct ss7 *ss7);
void ss7_print_linkset(struct ss7 *ss7);
void ss7_print_calls(struct ss7 *ss7);
extern "Python" void ss7_told(struct ss7 *ss7, char *text);
extern "Python" void ss7_complained(struct ss7 *ss7, char *text);
extern "Python" int ss7_wants_end(struct ss7 *ss7, int cic, unsigned int dpc, int cause, int what);
extern "Python" void ss7_out_of_service(struct ss7 *ss7, int cic, unsigned int dpc);
extern "Python" void ss7_forgets(struct ss7 *ss7, struct isup_call *call, int lock);
extern "Python" void ss7_printed(char *text);
