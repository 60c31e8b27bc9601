// The model of the benchmark: one thread, epoll, HTTP/1.1 keep-alive, cheap enough that the proxy is what is measured.
//   POST /<anything>            a chat.completion of about 1 KB
//   POST /r/<bytes>/...         a chat.completion of about <bytes>
//   a body with "stream":true   server-sent events; /sse/<chunks>/<interval in us>/... sets their number and pace
//                               (64 and 0 without); the last one holds the usage when the body asks for it
// Every event carries "ts":<CLOCK_MONOTONIC in ns>, so that the load client can tell the latency of each.
// usage: upstream <port>
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct conn {
  int fd;
  char *in;
  size_t inlen, incap;
  char *out;
  size_t outlen, outoff, outcap; // pending (EAGAIN) bytes
  int streaming;
  int usage;
  int left, total;
  long interval_ns;
  long due;
  struct conn *qn;
  int queued;
  int want_out, dead;
} conn;

static int ep;
static conn *qh, *qt; // FIFO of streams that wait for their next chunk
static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static char *json_of(size_t want, size_t *len) {
  static struct {
    size_t want;
    char *b;
    size_t len;
  } cache[16];
  static int n;
  for (int i = 0; i < n; i++)
    if (cache[i].want == want) {
      *len = cache[i].len;
      return cache[i].b;
    }
  const char *pre =
      "{\"id\":\"chatcmpl-9x8y7z6w5v4u3t2s1r\",\"object\":\"chat.completion\",\"created\":1763600000,\"model\":\"gpt-"
      "4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"";
  const char *post = "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":"
                     "{\"prompt_tokens\":187,\"completion_tokens\":121,\"total_tokens\":308,\"prompt_tokens_details\":{"
                     "\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,"
                     "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_"
                     "tier\":\"default\",\"system_fingerprint\":\"fp_0aa8d3e20b\"}";
  const char *w = "The gateway forwards the request to a model and then reports what it saw. ";
  size_t fill = want > strlen(pre) + strlen(post) ? want - strlen(pre) - strlen(post) : 1;
  char *b = malloc(512 + want + 1024);
  char *body = malloc(want + 1024);
  size_t l = 0;
  l += sprintf(body + l, "%s", pre);
  for (size_t i = 0; i < fill; i++)
    body[l++] = w[i % strlen(w)];
  l += sprintf(body + l, "%s", post);
  size_t h = sprintf(b,
                     "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: "
                     "req_0123456789abcdef\r\nopenai-processing-ms: 12\r\ncontent-length: %zu\r\n\r\n",
                     l);
  memcpy(b + h, body, l);
  free(body);
  if (n < 16) {
    cache[n].want = want;
    cache[n].b = b;
    cache[n].len = h + l;
    n++;
  }
  *len = h + l;
  return b;
}

static void arm(conn *c) {
  int w = c->outlen > c->outoff;
  if (w == c->want_out)
    return;
  c->want_out = w;
  struct epoll_event e = {.events = EPOLLIN | (w ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void put(conn *c, const char *b, size_t n) {
  if (c->outlen == c->outoff) {
    c->outlen = c->outoff = 0;
    ssize_t w = write(c->fd, b, n);
    if (w < 0) {
      if (errno != EAGAIN)
        return;
      w = 0;
    }
    b += w;
    n -= w;
    if (!n)
      return;
  }
  if (c->outlen + n > c->outcap) {
    c->outcap = (c->outlen + n) * 2;
    c->out = realloc(c->out, c->outcap);
  }
  memcpy(c->out + c->outlen, b, n);
  c->outlen += n;
  arm(c);
}
static void enq(conn *c) {
  if (c->queued)
    return;
  c->queued = 1;
  c->qn = NULL;
  if (qt)
    qt->qn = c;
  else
    qh = c;
  qt = c;
}

static void chunk(conn *c) {
  const char *head = "{\"id\":\"chatcmpl-9x8y7z\",\"object\":\"chat.completion.chunk\",\"created\":1763600000,"
                     "\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_0a\",";
  char event[1024], framed[1200], tail[320];
  int last = c->left <= 1;
  if (last && c->usage)
    snprintf(tail, sizeof tail,
             "\"choices\":[],\"usage\":{\"prompt_tokens\":187,\"completion_tokens\":%d,\"total_tokens\":%d}", c->total,
             c->total + 187);
  else
    snprintf(tail, sizeof tail,
             "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"},\"logprobs\":null,\"finish_reason\":%s}]",
             last ? "\"stop\"" : "null");
  int n = snprintf(event, sizeof event, "data: %s%s,\"ts\":%ld}\n\n%s", head, tail, now_ns(),
                   last ? "data: [DONE]\n\n" : "");
  int m = snprintf(framed, sizeof framed, "%x\r\n%.*s\r\n%s", n, n, event, last ? "0\r\n\r\n" : "");
  put(c, framed, m);
  c->left--;
}
static void handle(conn *c);
static void tick(long t) { // write the chunks that are due, at most one a stream
  conn *stop = qt;
  for (conn *c; (c = qh);) {
    if (!c->dead && c->due > t)
      break;
    int last = c == stop;
    qh = c->qn;
    if (!qh)
      qt = NULL;
    c->queued = 0;
    if (c->dead) {
      free(c->in);
      free(c->out);
      free(c);
    } else if (c->outlen - c->outoff > 65536) {
      c->due = t + c->interval_ns;
      enq(c);
    } else {
      chunk(c);
      if (c->left > 0) {
        c->due = t + c->interval_ns;
        enq(c);
      } else {
        c->streaming = 0;
        if (c->inlen)
          handle(c);
      }
    }
    if (last)
      break;
  }
}
static void handle(conn *c) {
  while (c->inlen && !c->streaming) {
    c->in[c->inlen] = 0;
    char *e = memmem(c->in, c->inlen, "\r\n\r\n", 4);
    if (!e)
      return;
    size_t hl = e - c->in + 4, bl = 0;
    char save = *e;
    *e = 0;
    char *cl = strcasestr(c->in, "\ncontent-length:");
    int ch = !cl && strcasestr(c->in, "\ntransfer-encoding: chunked") != NULL;
    if (cl)
      bl = strtoul(cl + 16, NULL, 10);
    *e = save;
    if (ch) {
      char *z = memmem(c->in + hl - 2, c->inlen - hl + 2, "\r\n0\r\n\r\n", 7);
      if (!z)
        return;
      bl = z + 7 - (c->in + hl);
    }
    if (c->inlen < hl + bl)
      return;
    char *path = strchr(c->in, ' ') + 1;
    size_t scan = bl;
    int sse = 0;
    if (bl) {
      sse = memmem(c->in + hl, scan > 4096 ? 4096 : scan, "\"stream\":true", 13) != NULL;
      c->usage = memmem(c->in + hl, bl, "\"include_usage\":true", 20) != NULL;
    }
    if (sse) {
      c->total = 64;
      c->interval_ns = 0;
      char *s = memmem(path, 200 < hl ? 200 : hl, "/sse/", 5);
      if (s) {
        c->total = strtol(s + 5, &s, 10);
        if (*s == '/')
          c->interval_ns = strtol(s + 1, NULL, 10) * 1000L;
      }
      const char *h = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: "
                      "no-cache\r\nx-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n";
      put(c, h, strlen(h));
      c->left = c->total;
      c->streaming = 1;
      c->due = now_ns();
      chunk(c);
      if (c->left > 0) {
        c->due = now_ns() + c->interval_ns;
        enq(c);
      } else
        c->streaming = 0;
    } else {
      size_t want = 1024;
      char *s = memmem(path, 200 < hl ? 200 : hl, "/r/", 3);
      if (s)
        want = strtoul(s + 3, NULL, 10);
      size_t n;
      char *b = json_of(want, &n);
      put(c, b, n);
    }
    memmove(c->in, c->in + hl + bl, c->inlen - hl - bl);
    c->inlen -= hl + bl;
  }
}
static void drop(conn *c) {
  close(c->fd);
  c->dead = 1;
  if (!c->queued) {
    free(c->in);
    free(c->out);
    free(c);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  int port = argc > 1 ? atoi(argv[1]) : 9001;
  int one = 1;
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) {
    perror("listen");
    return 1;
  }
  ep = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
  struct epoll_event evs[256];
  for (;;) {
    struct timespec ts, *tp = NULL;
    if (qh) {
      long d = qh->due - now_ns();
      if (d < 0)
        d = 0;
      ts.tv_sec = d / 1000000000L;
      ts.tv_nsec = d % 1000000000L;
      tp = &ts;
    }
    int n = epoll_pwait2(ep, evs, 256, tp, NULL);
    for (int i = 0; i < n; i++) {
      conn *c = evs[i].data.ptr;
      if (!c) {
        int fd;
        while ((fd = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          c = calloc(1, sizeof *c);
          c->fd = fd;
          c->incap = 4096;
          c->in = malloc(c->incap + 1);
          struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        }
        continue;
      }
      if (evs[i].events & EPOLLOUT && c->outlen > c->outoff) {
        ssize_t w = write(c->fd, c->out + c->outoff, c->outlen - c->outoff);
        if (w > 0)
          c->outoff += w;
        if (c->outoff == c->outlen)
          c->outoff = c->outlen = 0;
        arm(c);
      }
      if (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (c->incap - c->inlen < 2048) {
          c->incap *= 2;
          c->in = realloc(c->in, c->incap + 1);
        }
        ssize_t r = read(c->fd, c->in + c->inlen, c->incap - c->inlen);
        if (r == 0 || (r < 0 && errno != EAGAIN)) {
          drop(c);
          continue;
        }
        if (r > 0) {
          c->inlen += r;
          handle(c);
        }
      }
    }
    if (qh)
      tick(now_ns());
  }
}
