package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// orders is the one line that the engine process reads from its parent. The
// secret comes this way because every user can see the arguments of a process.
type orders struct {
	Library string `json:"library"`
	Data    string `json:"data"`
	Secret  string `json:"secret"`
	Memory  int64  `json:"memory"`
}

// report is the one line that it answers when it serves, or cannot.
type report struct {
	Address string `json:"address,omitempty"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

// listenerFile is the number of the listener in the engine process: the first
// behind stdin, stdout and stderr. The parent keeps it open as well, so requests
// wait in its queue while a dead engine is replaced, and the port is never lost.
const listenerFile = 3

// Run is the engine process, what `suyang engine` does: it takes its orders from
// stdin, says on stdout that it serves, and ends when stdin ends, which it does
// with the parent, or with SIGTERM.
func Run(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := json.NewEncoder(stdout)
	c, err := takeOrders(stdin, cancel)
	if err == nil {
		c.Ready = func(version string) {
			if out.Encode(report{Address: c.Listener.Addr().String(), Version: version}) != nil {
				cancel() // nobody listens
			}
		}
		err = Serve(ctx, c)
	}
	if err != nil && ctx.Err() == nil {
		out.Encode(report{Error: err.Error()}) // if nobody listens, the exit status says it
	}
	return err
}

// takeOrders reads the orders and then watches stdin for its end.
func takeOrders(stdin io.Reader, ended func()) (ServeConfig, error) {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	var o orders
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		return ServeConfig{}, fmt.Errorf("the engine process is started by `suyang serve` and takes its orders from it: %w", err)
	}
	file := os.NewFile(listenerFile, "listener")
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return ServeConfig{}, fmt.Errorf("take over the port of the engine: %w", err)
	}
	go func() {
		io.Copy(io.Discard, in) // until the parent closes it, or is gone
		ended()
	}()
	return ServeConfig{Library: o.Library, Data: o.Data, Secret: o.Secret, Memory: o.Memory, Listener: listener}, nil
}
