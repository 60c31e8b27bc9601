// Command streaming is the front door of the rig's node, the HTTPS server that kube-apiserver calls a kubelet. It speaks
// the streaming protocols of `kubectl port-forward` and `kubectl exec` by Kubernetes' own library and hands every other
// request (`/containerLogs`) to the kubelet's Unix socket, from which it also learns where a pod's namespaces are.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	idleTimeout    = 4 * time.Hour
	createTimeout  = 30 * time.Second
	connectTimeout = 5 * time.Second
	answerLimit    = 1 << 20
)

func main() {
	listen := flag.String("listen", "", "address of the HTTPS server")
	certificate := flag.String("certificate", "", "PEM file of the server's certificate")
	key := flag.String("key", "", "PEM file of the server's key")
	clientCA := flag.String("client-ca", "", "PEM file of the CA that signs the API server's client certificate")
	socket := flag.String("kubelet", "", "Unix socket of the kubelet")
	flag.Parse()
	if err := serve(*listen, *certificate, *key, *clientCA, *socket); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, certificate, key, clientCA, socket string) error {
	pem, err := os.ReadFile(clientCA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", clientCA)
	}
	node := kubelet{&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	server := &http.Server{
		Addr:    listen,
		Handler: node.routes(),
		// The streaming protocols take over the connection, which HTTP/2 does not allow.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:    &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
	}
	return server.ListenAndServeTLS(certificate, key)
}

// kubelet is the process that knows the pods, behind its Unix socket.
type kubelet struct{ transport *http.Transport }

// sandbox is what the kubelet says of a pod: the file of its network namespace.
type sandbox struct {
	Network string `json:"network"`
}

// entry is what the kubelet says of a running container: the command that starts a process inside it, to which the
// wanted command is appended, and that process's whole environment.
type entry struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
}

func (k kubelet) routes() http.Handler {
	rest := &httputil.ReverseProxy{
		Transport:     k.transport,
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "kubelet"}) },
	}
	mux := http.NewServeMux()
	mux.Handle("/", rest)
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", k.portForward)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/exec/{namespace}/{pod}/{uid}/{container}", k.exec)
	return mux
}

func (k kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := "/rig/sandboxes/" + r.PathValue("namespace") + "/" + r.PathValue("pod")
	portforward.ServePortForward(w, r, forwarder{k, path}, r.PathValue("pod"), r.PathValue("uid"), options,
		idleTimeout, createTimeout, portforward.SupportedProtocols)
}

func (k kubelet) exec(w http.ResponseWriter, r *http.Request) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := "/rig/containers/" + r.PathValue("namespace") + "/" + r.PathValue("pod") + "/" + r.PathValue("container")
	remotecommand.ServeExec(w, r, executor{k, path}, r.PathValue("pod"), r.PathValue("uid"), r.PathValue("container"),
		r.URL.Query()["command"], options, idleTimeout, createTimeout, remotecommand.SupportedStreamingProtocols)
}

// ask gets one JSON answer of the kubelet; anything but 200 is an error with the kubelet's words.
func (k kubelet) ask(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://kubelet"+path, nil)
	if err != nil {
		return err
	}
	response, err := k.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(string(body))
	}
	return json.Unmarshal(body, into)
}

type forwarder struct {
	kubelet kubelet
	path    string
}

// PortForward copies between the stream and a port of the pod's own loopback, as a process in the pod would reach it.
func (f forwarder) PortForward(ctx context.Context, name, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	var pod sandbox
	if err := f.kubelet.ask(ctx, f.path, &pod); err != nil {
		return err
	}
	connection, err := dialInside(pod.Network, port)
	if err != nil {
		return fmt.Errorf("port %d of pod %s: %w", port, name, err)
	}
	defer connection.Close()
	go func() {
		_, _ = io.Copy(connection, stream)
		_ = connection.CloseWrite()
	}()
	_, err = io.Copy(stream, connection)
	return err
}

// dialInside connects to a port of the loopback of a network namespace. A thread enters the namespace and never leaves
// it: it stays locked to its goroutine and ends with that, so that no other goroutine ever runs there.
func dialInside(network string, port int32) (*net.TCPConn, error) {
	type result struct {
		connection net.Conn
		err        error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		connection, err := func() (net.Conn, error) {
			file, err := os.Open(network)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return nil, err
			}
			dialer := net.Dialer{Timeout: connectTimeout}
			connection, err := dialer.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
			if err == nil {
				return connection, nil
			}
			if other, errOther := dialer.Dial("tcp6", net.JoinHostPort("::1", strconv.Itoa(int(port)))); errOther == nil {
				return other, nil
			}
			return nil, err
		}()
		done <- result{connection, err}
	}()
	got := <-done
	if got.err != nil {
		return nil, got.err
	}
	return got.connection.(*net.TCPConn), nil
}

type executor struct {
	kubelet kubelet
	path    string
}

// ExecInContainer runs a command in the container's namespaces. A terminal is refused: the rig has none.
func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, command []string, in io.Reader,
	out, errOut io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if tty {
		return errors.New("the rig has no terminals: leave out -t")
	}
	var container entry
	if err := e.kubelet.ask(ctx, e.path, &container); err != nil {
		return err
	}
	if len(container.Argv) == 0 {
		return errors.New("the kubelet gave no command")
	}
	argv := append(append([]string{}, container.Argv...), command...)
	process := exec.CommandContext(ctx, argv[0], argv[1:]...)
	process.Env = container.Env
	if out != nil {
		process.Stdout = out
	}
	if errOut != nil {
		process.Stderr = errOut
	}
	if in != nil {
		// Not process.Stdin: Wait would go on until the client ends its input, which it may never do.
		pipe, err := process.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			_ = pipe.Close()
		}()
	}
	err := process.Run()
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		return utilexec.CodeExitError{Err: err, Code: exited.ExitCode()}
	}
	return err
}
