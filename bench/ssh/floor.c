// The floor: what contacts with hosts cost at the least. One connection and one command for each, by
// libssh in 32 threads, with the key exchange and the cipher that muster gets, and no look at keys.
//
// floor HOSTS IDENTITY USER COMMAND THREADS: HOSTS has an address and a port on each line. Prints what
// the hosts answer, and ends with 0 when all of them did.

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024

static struct {
  char address[64];
  int port;
} hosts[MOST];
static int count;
static int next_host;
static int failed;
static ssh_key identity;
static const char *user;
static const char *command;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int talk(ssh_session session, const char *address, int port) {
  char answer[1 << 16];
  size_t kept = 0;
  int got, no = 0;
  ssh_options_set(session, SSH_OPTIONS_HOST, address);
  ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  ssh_options_set(session, SSH_OPTIONS_USER, user);
  ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ssh_options_set(session, SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256");
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, "aes128-gcm@openssh.com");
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, "aes128-gcm@openssh.com");
  if (ssh_connect(session) != SSH_OK) return -1;
  if (ssh_userauth_publickey(session, NULL, identity) != SSH_AUTH_SUCCESS) return -1;
  ssh_channel channel = ssh_channel_new(session);
  if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK) return -1;
  if (ssh_channel_request_exec(channel, command) != SSH_OK) return -1;
  while ((got = ssh_channel_read(channel, answer + kept, sizeof answer - kept, 0)) > 0) kept += got;
  if (got < 0 || ssh_channel_get_exit_status(channel) != 0) return -1;
  ssh_channel_free(channel);
  pthread_mutex_lock(&lock);
  fwrite(answer, 1, kept, stdout);
  pthread_mutex_unlock(&lock);
  return 0;
}

static void *work(void *unused) {
  for (;;) {
    pthread_mutex_lock(&lock);
    int at = next_host < count ? next_host++ : -1;
    pthread_mutex_unlock(&lock);
    if (at < 0) return unused;
    ssh_session session = ssh_new();
    if (talk(session, hosts[at].address, hosts[at].port) != 0) {
      fprintf(stderr, "%s: %s\n", hosts[at].address, ssh_get_error(session));
      pthread_mutex_lock(&lock);
      failed++;
      pthread_mutex_unlock(&lock);
    }
    ssh_disconnect(session);
    ssh_free(session);
  }
}

int main(int argc, char **argv) {
  pthread_t threads[MOST];
  if (argc != 6) return 64;
  FILE *list = fopen(argv[1], "r");
  if (list == NULL) return 66;
  while (count < MOST && fscanf(list, "%63s %d", hosts[count].address, &hosts[count].port) == 2)
    count++;
  fclose(list);
  ssh_threads_set_callbacks(ssh_threads_get_pthread());
  ssh_init();
  if (ssh_pki_import_privkey_file(argv[2], NULL, NULL, NULL, &identity) != SSH_OK) return 66;
  user = argv[3];
  command = argv[4];
  int most = atoi(argv[5]);
  for (int at = 0; at < most; at++) pthread_create(&threads[at], NULL, work, NULL);
  for (int at = 0; at < most; at++) pthread_join(threads[at], NULL);
  ssh_key_free(identity);
  ssh_finalize();
  return failed == 0 ? 0 : 1;
}
