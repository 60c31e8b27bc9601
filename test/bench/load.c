// The clients of the benchmark: one thread, epoll.
//   load -p port -P path -b bodyfile -c connections -d seconds [-r requests/s] [-H 'name: value']... [-w warm-up s]
//   [-hold]
// Without -r every connection sends again as soon as it has its answer; with -r it is paced, and latency counts from
// the moment at which the request was due. -hold opens many connections gently, for streams that stay open.
// Prints one line of JSON: rates, and percentiles in microseconds of answers, first bytes and streamed events.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}
// log-linear histogram, ~1.5% buckets
#define NB 2048
typedef struct {
  long n[NB];
  long cnt, max;
  double sum;
} hist;
static int bidx(long v) {
  if (v < 64)
    return v < 0 ? 0 : v;
  int e = 63 - __builtin_clzl(v);
  int i = (e - 5) * 64 + ((v >> (e - 6)) & 63);
  return i >= NB ? NB - 1 : i;
}
static long bval(int i) {
  if (i < 64)
    return i;
  int e = i / 64 + 5, m = i % 64;
  return (1L << e) + ((long)m << (e - 6)) + (1L << (e - 7));
}
static void hadd(hist *h, long v) {
  h->n[bidx(v)]++;
  h->cnt++;
  h->sum += v;
  if (v > h->max)
    h->max = v;
}
static double hq(hist *h, double q) {
  long t = q * h->cnt, s = 0;
  for (int i = 0; i < NB; i++) {
    s += h->n[i];
    if (s > t)
      return bval(i) / 1000.0;
  }
  return h->max / 1000.0;
}
typedef struct {
  int fd;
  char tail[64];
  int tl;
  int inhdr;
  char hb[4096];
  int hl;
  long need;
  int chunked;
  int busy;
  long t0, next;
  int gotfirst;
} conn;
static hist H, C, F;
static long all, challs, streams, chunks, errs, non2xx, bytes;
static int hold;
static char *req;
static size_t reqlen;
static int ep;
static struct sockaddr_in A;
static long rec_from, per;
static void opn(conn *c) {
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(c->fd, (void *)&A, sizeof A)) {
    perror("connect");
    exit(1);
  }
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void snd(conn *c, long t) {
  c->busy = 1;
  c->inhdr = 1;
  c->hl = 0;
  c->need = -1;
  c->chunked = 0;
  c->tl = 0;
  c->gotfirst = 0;
  c->t0 = t;
  size_t o = 0;
  while (o < reqlen) {
    ssize_t w = send(c->fd, req + o, reqlen - o, MSG_NOSIGNAL);
    if (w < 0) {
      errs++;
      return;
    }
    o += w;
  }
}
static void done(conn *c, long t) {
  c->busy = 0;
  all++;
  if (t >= rec_from) {
    hadd(&H, t - c->t0);
    streams++;
  }
  if (per) {
    c->next += per;
  } else
    snd(c, t);
}
static void scan(conn *c, char *b, size_t n, long t) { // "ts": stamps
  char *p = b, *e = b + n;
  while ((p = memmem(p, e - p, "\"ts\":", 5))) {
    long v = strtol(p + 5, NULL, 10);
    if (t >= rec_from && v > 1000000) {
      hadd(&C, t - v);
      chunks++;
    }
    if (v > 1000000)
      challs++;
    p += 5;
  }
}
static void data(conn *c, char *b, size_t n, long t) {
  bytes += n;
  if (!c->gotfirst) {
    c->gotfirst = 1;
    if (t >= rec_from)
      hadd(&F, t - c->t0);
  }
  if (c->inhdr) {
    size_t k = n;
    if (c->hl + k >= sizeof c->hb)
      k = sizeof c->hb - 1 - c->hl;
    memcpy(c->hb + c->hl, b, k);
    c->hl += k;
    c->hb[c->hl] = 0;
    char *e = memmem(c->hb, c->hl, "\r\n\r\n", 4);
    if (!e)
      return;
    *e = 0;
    c->inhdr = 0;
    if (c->hb[9] != '2')
      non2xx++;
    char *cl = strcasestr(c->hb, "\ncontent-length:");
    long have = c->hl - (e + 4 - c->hb) + (n - k);
    if (cl) {
      c->need = strtol(cl + 16, NULL, 10) - have;
      if (c->need <= 0)
        done(c, t);
      return;
    }
    c->chunked = 1;
    size_t off = n - have;
    b += off;
    n -= off;
    c->tl = 0;
  }
  if (c->chunked) {
    if (!n)
      return;
    scan(c, b, n, t);
    char z[128];
    int zl = 0;
    size_t k = n > 64 ? 64 : n;
    memcpy(z, c->tail, c->tl);
    zl = c->tl;
    memcpy(z + zl, b + n - k, k);
    zl += k;
    int end = zl >= 5 && !memcmp(z + zl - 5, "0\r\n\r\n", 5) && (zl == 5 || z[zl - 6] == '\n');
    int keep = zl > 16 ? 16 : zl;
    memmove(c->tail, z + zl - keep, keep);
    c->tl = keep;
    if (end)
      done(c, t);
  } else {
    c->need -= n;
    if (c->need <= 0)
      done(c, t);
  }
}
int main(int argc, char **argv) {
  int port = 8080, conns = 32;
  double dur = 4, rate = 0, warm = 0.5;
  char *path = "/v1/chat/completions", *bf = NULL;
  char hd[2048] = "";
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "-p"))
      port = atoi(argv[++i]);
    else if (!strcmp(argv[i], "-c"))
      conns = atoi(argv[++i]);
    else if (!strcmp(argv[i], "-d"))
      dur = atof(argv[++i]);
    else if (!strcmp(argv[i], "-r"))
      rate = atof(argv[++i]);
    else if (!strcmp(argv[i], "-P"))
      path = argv[++i];
    else if (!strcmp(argv[i], "-b"))
      bf = argv[++i];
    else if (!strcmp(argv[i], "-w"))
      warm = atof(argv[++i]);
    else if (!strcmp(argv[i], "-hold"))
      hold = 1;
    else if (!strcmp(argv[i], "-H")) {
      strcat(hd, argv[++i]);
      strcat(hd, "\r\n");
    }
  }
  char *body = "{}";
  size_t bl = 2;
  if (bf) {
    FILE *f = fopen(bf, "rb");
    fseek(f, 0, SEEK_END);
    bl = ftell(f);
    rewind(f);
    body = malloc(bl);
    if (fread(body, 1, bl, f) != bl)
      return 1;
    fclose(f);
  }
  req = malloc(bl + 4096);
  reqlen =
      sprintf(req,
              "POST %s HTTP/1.1\r\nHost: gw.local\r\nUser-Agent: loadc/1\r\nAccept: */*\r\nContent-Type: "
              "application/json\r\nAuthorization: Bearer sk-test-0123456789abcdef\r\n%sContent-Length: %zu\r\n\r\n",
              path, hd, bl);
  memcpy(req + reqlen, body, bl);
  reqlen += bl;
  A.sin_family = AF_INET;
  A.sin_port = htons(port);
  A.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ep = epoll_create1(0);
  conn *cs = calloc(conns, sizeof(conn));
  for (int i = 0; i < conns; i++)
    opn(&cs[i]);
  long s = now_ns(), end = s + (warm + dur) * 1e9;
  rec_from = s + warm * 1e9;
  per = rate > 0 ? (long)(conns / rate * 1e9) : 0;
  for (int i = 0; i < conns; i++) {
    if (per)
      cs[i].next = s + per * i / conns;
    else
      snd(&cs[i], now_ns());
    if (hold && i % 50 == 49)
      usleep(2000);
  }
  struct epoll_event ev[256];
  static char buf[262144];
  for (;;) {
    long t = now_ns();
    if (t >= end)
      break;
    long w = end - t;
    if (per) {
      for (int i = 0; i < conns; i++)
        if (!cs[i].busy) {
          if (cs[i].next <= t)
            snd(&cs[i], cs[i].next);
          else if (cs[i].next - t < w)
            w = cs[i].next - t;
        }
    }
    struct timespec ts = {w / 1000000000L, w % 1000000000L};
    int n = epoll_pwait2(ep, ev, 256, &ts, NULL);
    for (int i = 0; i < n; i++) {
      conn *c = ev[i].data.ptr;
      ssize_t r = recv(c->fd, buf, sizeof buf - 1, MSG_DONTWAIT);
      t = now_ns();
      if (r > 0) {
        buf[r] = 0;
        data(c, buf, r, t);
      } else if (r == 0 || errno != EAGAIN) {
        errs++;
        close(c->fd);
        opn(c);
        if (!per)
          snd(c, t);
        else {
          c->busy = 0;
          c->next += per;
        }
      }
    }
  }
  long open = 0;
  for (int i = 0; i < conns; i++)
    open += cs[i].gotfirst;
  printf("{\"rps\":%.1f,\"n\":%ld,\"all\":%ld,\"chunks_s\":%.1f,\"chunks_all\":%ld,\"errs\":%ld,\"non2xx\":%ld,"
         "\"held\":%ld,\"lat_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"mean\":%.1f},\"ttfb_us\":{"
         "\"p50\":%.1f,\"p99\":%.1f},\"chunk_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}}\n",
         streams / dur, streams, all, chunks / dur, challs, errs, non2xx, open, hq(&H, .5), hq(&H, .9), hq(&H, .99),
         H.max / 1000.0, H.cnt ? H.sum / H.cnt / 1000 : 0, hq(&F, .5), hq(&F, .99), hq(&C, .5), hq(&C, .9), hq(&C, .99),
         C.max / 1000.0);
}
