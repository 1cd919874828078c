/* What is used of libpri.h, for cffi (build.py): "...;" stands for fields that are not needed. */
typedef ... q931_call;
struct pri;
struct pri_sr;
struct timeval { long tv_sec; long tv_usec; ...; };

struct pri_party_name { int valid; int presentation; int char_set; char str[64]; ...; };
struct pri_party_number { int valid; int presentation; int plan; char str[64]; };
struct pri_party_subaddress { int valid; int type; int odd_even_indicator; int length; unsigned char data[32]; ...; };
struct pri_party_id {
    struct pri_party_name name;
    struct pri_party_number number;
    struct pri_party_subaddress subaddress;
    ...;
};
struct pri_party_connected_line { struct pri_party_id id; ...; };
struct pri_party_redirecting {
    struct pri_party_id from, to, orig_called;
    int count, orig_reason, reason;
    ...;
};
struct pri_aoc_amount { long cost; int multiplier; };
struct pri_aoc_time { long length; int scale; };
struct pri_aoc_duration {
    struct pri_aoc_amount amount; struct pri_aoc_time time, granularity; int charging_type; char currency[11];
};
struct pri_aoc_flat { struct pri_aoc_amount amount; char currency[11]; };
struct pri_aoc_volume { struct pri_aoc_amount amount; int unit; char currency[11]; };
struct pri_aoc_s_element {
    int chargeable; int rate_type;
    union { struct pri_aoc_duration duration; struct pri_aoc_flat flat; struct pri_aoc_volume volume; int special; } rate;
};
struct pri_subcmd_aoc_s { int num_items; struct pri_aoc_s_element item[10]; };
struct pri_aoc_recorded_currency { struct pri_aoc_amount amount; char currency[11]; };
struct pri_aoc_units_element { long number; int type; };
struct pri_aoc_recorded_units { int num_items; struct pri_aoc_units_element item[32]; };
struct pri_subcmd_aoc_d {
    int charge; int billing_accumulation; int billing_id;
    union { struct pri_aoc_recorded_currency money; struct pri_aoc_recorded_units unit; } recorded;
};
struct pri_aoc_e_charging_association { union { struct pri_party_number number; int id; } charge; int charging_type; };
struct pri_subcmd_aoc_e {
    int charge; int billing_id;
    union { struct pri_aoc_recorded_currency money; struct pri_aoc_recorded_units unit; } recorded;
    struct pri_aoc_e_charging_association associated;
};
struct pri_subcmd_aoc_request { int charging_request; int invoke_id; };
struct pri_subcmd_aoc_request_response {
    struct pri_subcmd_aoc_s aoc_s; int valid_aoc_s; int charging_request; int charging_response;
};
struct pri_subcmd_display_txt { int char_set; int length; char text[...]; ...; };
struct pri_rerouting_data {
    struct pri_party_id caller; struct pri_party_redirecting deflection; int subscription_option; int invoke_id; ...;
};
struct pri_subcmd_transfer {
    q931_call *call_1, *call_2; int is_call_1_held, is_call_2_held; int invoke_id; ...;
};
struct pri_subcmd_mcid_req { struct pri_party_id originator, answerer; ...; };

struct pri_subcommand { int cmd; ...; };
struct pri_subcommands { int counter_subcmd; struct pri_subcommand subcmd[...]; ...; };

typedef struct pri_event_restart { int e; int channel; ...; } pri_event_restart;
typedef struct pri_event_error { int e; char err[256]; ...; } pri_event_error;
typedef struct pri_event_ringing {
    int e; int channel; int progressmask; q931_call *call; char useruserinfo[260]; struct pri_subcommands *subcmds; ...;
} pri_event_ringing;
typedef struct pri_event_answer {
    int e; int channel; int progressmask; q931_call *call; char useruserinfo[260]; struct pri_subcommands *subcmds; ...;
} pri_event_answer;
struct pri_event_facility { int e; int channel; q931_call *call; struct pri_subcommands *subcmds; q931_call *subcall; ...; };
typedef struct pri_event_ring {
    int e; int channel; int callingpres; int callingplanani; int callingplan;
    char callingani[256]; char callingnum[256]; char callingname[256];
    int calledplan; int ani2; char callednum[256];
    char redirectingnum[256]; char redirectingname[256]; int redirectingreason; int callingplanrdnis;
    char useruserinfo[260];
    int flexible; int cref; int ctype; int layer1; int complete; q931_call *call;
    char origcalledname[256]; char origcallednum[256];
    int reversecharge; struct pri_subcommands *subcmds; struct pri_party_id calling; struct pri_party_subaddress called_subaddress; char keypad_digits[64];
    ...;
} pri_event_ring;
typedef struct pri_event_hangup {
    int e; int channel; int cause; q931_call *call; long aoc_units; char useruserinfo[260]; struct pri_subcommands *subcmds;
    q931_call *call_held; q931_call *call_active; ...;
} pri_event_hangup;
typedef struct pri_event_proceeding {
    int e; int channel; int progressmask; int cause; q931_call *call; struct pri_subcommands *subcmds; ...;
} pri_event_proceeding;
typedef struct pri_event_setup_ack {
    int e; int channel; q931_call *call; struct pri_subcommands *subcmds; int progressmask; ...;
} pri_event_setup_ack;
typedef struct pri_event_notify { int e; int channel; int info; struct pri_subcommands *subcmds; q931_call *call; ...; } pri_event_notify;
typedef struct pri_event_keypad_digit {
    int e; int channel; q931_call *call; char digits[64]; struct pri_subcommands *subcmds; ...;
} pri_event_keypad_digit;
typedef struct pri_event_service { int e; int channel; int changestatus; ...; } pri_event_service;
struct pri_event_hold { int e; int channel; q931_call *call; struct pri_subcommands *subcmds; ...; };
struct pri_event_hold_ack { int e; int channel; q931_call *call; struct pri_subcommands *subcmds; ...; };
struct pri_event_hold_rej { int e; int channel; q931_call *call; int cause; struct pri_subcommands *subcmds; ...; };
struct pri_event_retrieve { int e; int channel; q931_call *call; int flexible; struct pri_subcommands *subcmds; ...; };
struct pri_event_retrieve_ack { int e; int channel; q931_call *call; struct pri_subcommands *subcmds; ...; };
struct pri_event_retrieve_rej { int e; int channel; q931_call *call; int cause; struct pri_subcommands *subcmds; ...; };
struct pri_event_connect_ack { int e; int channel; q931_call *call; struct pri_subcommands *subcmds; ...; };
typedef union {
    int e;
    pri_event_restart restart; pri_event_error err; pri_event_ring ring; pri_event_hangup hangup;
    pri_event_ringing ringing; pri_event_answer answer; pri_event_proceeding proceeding;
    pri_event_setup_ack setup_ack; pri_event_notify notify; pri_event_keypad_digit digit; pri_event_service service;
    struct pri_event_facility facility; struct pri_event_hold hold;
    struct pri_event_hold_ack hold_ack; struct pri_event_hold_rej hold_rej; struct pri_event_retrieve retrieve;
    struct pri_event_retrieve_ack retrieve_ack; struct pri_event_retrieve_rej retrieve_rej;
    struct pri_event_connect_ack connect_ack;
    ...;
} pri_event;

struct pri *pri_new_told(int fd, int ptpmode, int nodetype, int switchtype);
void pri_enslave(struct pri *master, struct pri *slave);
pri_event *pri_check_event(struct pri *pri);
struct timeval *pri_schedule_next(struct pri *pri);
pri_event *pri_schedule_run(struct pri *pri);
char *pri_event2str(int id);
char *pri_switch2str(int id);
char *pri_node2str(int id);
char *pri_cause2str(int cause);
char *pri_dump_info_str(struct pri *pri);
const char *pri_get_version(void);
void pri_set_debug(struct pri *pri, int debug);
int pri_get_debug(struct pri *pri);
void pri_set_message(void (*report)(struct pri *pri, char *));
void pri_set_error(void (*report)(struct pri *pri, char *));
void pri_set_nsf(struct pri *pri, int nsf);
void pri_set_overlapdial(struct pri *pri, int state);
void pri_set_chan_mapping_logical(struct pri *pri, int state);
void pri_set_inbanddisconnect(struct pri *pri, unsigned int enable);
int pri_set_service_message_support(struct pri *pri, int supportflag);
void pri_facility_enable(struct pri *pri);
void pri_hold_enable(struct pri *ctrl, int enable);
void pri_reroute_enable(struct pri *ctrl, int enable);
void pri_transfer_enable(struct pri *ctrl, int enable);
void pri_aoc_events_enable(struct pri *ctrl, int enable);
void pri_mcid_enable(struct pri *ctrl, int enable);
void pri_connect_ack_enable(struct pri *ctrl, int enable);
void pri_hangup_fix_enable(struct pri *ctrl, int enable);
void pri_persistent_layer2_option(struct pri *ctrl, int option);
void pri_display_options_send(struct pri *ctrl, unsigned long flags);
void pri_display_options_receive(struct pri *ctrl, unsigned long flags);
void pri_date_time_send_option(struct pri *ctrl, int option);
int pri_set_timer(struct pri *pri, int timer, int value);
int pri_get_timer(struct pri *pri, int timer);
int pri_timer2idx(const char *timer_name);
void pri_cc_enable(struct pri *ctrl, int enable);
void pri_cc_recall_mode(struct pri *ctrl, int mode);
void pri_cc_retain_signaling_req(struct pri *ctrl, int signaling_retention);
void pri_cc_retain_signaling_rsp(struct pri *ctrl, int signaling_retention);

q931_call *pri_new_call(struct pri *pri);
void pri_destroycall(struct pri *pri, q931_call *call);
struct pri_sr *pri_sr_new(void);
void pri_sr_free(struct pri_sr *sr);
int pri_sr_set_channel(struct pri_sr *sr, int channel, int exclusive, int nonisdn);
int pri_sr_set_bearer(struct pri_sr *sr, int transmode, int userl1);
int pri_sr_set_called(struct pri_sr *sr, char *called, int calledplan, int complete);
void pri_sr_set_caller_party(struct pri_sr *sr, const struct pri_party_id *caller);
void pri_sr_set_redirecting_parties(struct pri_sr *sr, const struct pri_party_redirecting *redirecting);
void pri_sr_set_keypad_digits(struct pri_sr *sr, const char *keypad_digits);
void pri_sr_set_reversecharge(struct pri_sr *sr, int requested);
int pri_sr_set_aoc_charging_request(struct pri_sr *sr, int charging_request);
int pri_setup(struct pri *pri, q931_call *call, struct pri_sr *req);
int pri_proceeding(struct pri *pri, q931_call *c, int channel, int info);
int pri_acknowledge(struct pri *pri, q931_call *call, int channel, int info);
int pri_progress(struct pri *pri, q931_call *c, int channel, int info);
int pri_setup_ack(struct pri *ctrl, q931_call *call, int channel, int nonisdn, int inband);
int pri_answer(struct pri *pri, q931_call *call, int channel, int nonisdn);
int pri_connect_ack(struct pri *ctrl, q931_call *call, int channel);
int pri_information(struct pri *pri, q931_call *call, char digit);
int pri_hangup(struct pri *pri, q931_call *call, int cause);
int pri_notify(struct pri *pri, q931_call *c, int channel, int info);
int pri_hold(struct pri *ctrl, q931_call *call);
int pri_hold_ack(struct pri *ctrl, q931_call *call);
int pri_hold_rej(struct pri *ctrl, q931_call *call, int cause);
int pri_retrieve(struct pri *ctrl, q931_call *call, int channel);
int pri_retrieve_ack(struct pri *ctrl, q931_call *call, int channel);
int pri_retrieve_rej(struct pri *ctrl, q931_call *call, int cause);
int pri_connected_line_update(struct pri *pri, q931_call *call, const struct pri_party_connected_line *connected);
int pri_redirecting_update(struct pri *pri, q931_call *call, const struct pri_party_redirecting *redirecting);
int pri_aoc_s_request_response_send(struct pri *ctrl, q931_call *call, int invoke_id, const struct pri_subcmd_aoc_s *aoc_s);
int pri_aoc_de_request_response_send(struct pri *ctrl, q931_call *call, int response, int invoke_id);
int pri_aoc_s_send(struct pri *ctrl, q931_call *c, const struct pri_subcmd_aoc_s *aoc_s);
int pri_aoc_d_send(struct pri *ctrl, q931_call *c, const struct pri_subcmd_aoc_d *aoc_d);
int pri_aoc_e_send(struct pri *ctrl, q931_call *c, const struct pri_subcmd_aoc_e *aoc_e);
int pri_mcid_req_send(struct pri *ctrl, q931_call *call);
void pri_sr_set_caller_subaddress(struct pri_sr *sr, const struct pri_party_subaddress *subaddress);
void pri_sr_set_called_subaddress(struct pri_sr *sr, const struct pri_party_subaddress *subaddress);
void pri_sr_set_useruser(struct pri_sr *sr, const char *userchars);
void pri_call_set_useruser(q931_call *sr, const char *userchars);
int pri_progress_with_cause(struct pri *pri, q931_call *c, int channel, int info, int cause);
int pri_keypad_facility(struct pri *pri, q931_call *call, const char *digits);
int pri_callrerouting_facility(struct pri *pri, q931_call *call, const char *dest, const char* original, const char* reason);
int pri_rerouting_rsp(struct pri *ctrl, q931_call *call, int invoke_id, int code);
int pri_transfer_rsp(struct pri *ctrl, q931_call *call, int invoke_id, int is_successful);
int pri_channel_bridge(q931_call *call1, q931_call *call2);
int pri_display_text(struct pri *ctrl, q931_call *call, const struct pri_subcmd_display_txt *display);
int pri_mwi_indicate_v2(struct pri *ctrl, const struct pri_party_id *mailbox, const struct pri_party_id *vm_id,
    int basic_service, int num_messages, const struct pri_party_id *caller_id, const char *timestamp,
    int message_reference, int message_status);
long pri_cc_available(struct pri *ctrl, q931_call *call);
int pri_cc_req(struct pri *ctrl, long cc_id, int mode);
int pri_cc_req_rsp(struct pri *ctrl, long cc_id, int status);
void pri_cc_remote_user_free(struct pri *ctrl, long cc_id);
void pri_cc_b_free(struct pri *ctrl, long cc_id);
void pri_cc_stop_alerting(struct pri *ctrl, long cc_id);
void pri_cc_status_req(struct pri *ctrl, long cc_id);
void pri_cc_status_req_rsp(struct pri *ctrl, long cc_id, int status);
void pri_cc_status(struct pri *ctrl, long cc_id, int status);
int pri_cc_call(struct pri *ctrl, long cc_id, q931_call *call, struct pri_sr *req);
void pri_cc_cancel(struct pri *ctrl, long cc_id);
int pri_reset(struct pri *pri, int channel);
int pri_maintenance_service(struct pri *pri, int span, int channel, int changestatus);

int pri_subcommands_count(struct pri_subcommands *list);
struct pri_subcommand *pri_subcommand_at(struct pri_subcommands *list, int index);
struct pri_party_connected_line *pri_subcommand_connected(struct pri_subcommand *one);
struct pri_party_redirecting *pri_subcommand_redirecting(struct pri_subcommand *one);
struct pri_subcmd_display_txt *pri_subcommand_display(struct pri_subcommand *one);
struct pri_rerouting_data *pri_subcommand_rerouting(struct pri_subcommand *one);
struct pri_subcmd_transfer *pri_subcommand_transfer(struct pri_subcommand *one);
struct pri_subcmd_mcid_req *pri_subcommand_mcid(struct pri_subcommand *one);
long pri_subcommand_completion(struct pri_subcommand *one, int *status);
struct pri_subcmd_aoc_s *pri_subcommand_aoc_s(struct pri_subcommand *one);
struct pri_subcmd_aoc_d *pri_subcommand_aoc_d(struct pri_subcommand *one);
struct pri_subcmd_aoc_e *pri_subcommand_aoc_e(struct pri_subcommand *one);
struct pri_subcmd_aoc_request *pri_subcommand_aoc_request(struct pri_subcommand *one);
struct pri_subcmd_aoc_request_response *pri_subcommand_aoc_response(struct pri_subcommand *one);
extern "Python" void pri_told(struct pri *pri, char *text);
extern "Python" void pri_complained(struct pri *pri, char *text);
extern "Python" void pri_frame(struct pri *pri, int sent, char *frame, int size);
