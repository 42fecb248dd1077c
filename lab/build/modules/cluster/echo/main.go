// A server for tests that answers gRPC and plain HTTP, over HTTP/1.1 and unencrypted HTTP/2, on port 80 and on
// those of PORTS ("81,82").
//
// Every gRPC method takes and gives one message of any content; every path is answered alike. An answer reads
// "<NAME> <VERSION> <pod>", both from the environment, as that of the lab's nginx does. One JSON object a request is
// logged on stdout, under the same names as nginx's; /healthz is not.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
)

// raw hands messages over as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message any) ([]byte, error) { return message.([]byte), nil }

func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = data
	return nil
}

func answer() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s %s %s\n", os.Getenv("NAME"), os.Getenv("VERSION"), host)
}

// answerCall gives one message for each that it gets, so that unary calls and streams are served alike.
func answerCall(_ any, stream grpc.ServerStream) error {
	for {
		var request []byte
		if err := stream.RecvMsg(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg([]byte(answer())); err != nil {
			return err
		}
	}
}

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		next.ServeHTTP(writer, request)
		line, _ := json.Marshal(map[string]any{
			"time":            float64(time.Now().UnixMicro()) / 1e6,
			"method":          request.Method,
			"path":            request.URL.Path,
			"protocol":        request.Proto,
			"content_type":    request.Header.Get("Content-Type"),
			"x_forwarded_for": request.Header.Get("X-Forwarded-For"),
			"x_request_id":    request.Header.Get("X-Request-Id"),
			"host":            request.Host,
			"version":         os.Getenv("VERSION"),
		})
		fmt.Println(string(line))
	})
}

func isComma(letter rune) bool { return letter == ',' }

func main() {
	calls := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(answerCall))
	plain := http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprint(writer, answer()) })
	both := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if strings.HasPrefix(request.Header.Get("Content-Type"), "application/grpc") {
			calls.ServeHTTP(writer, request)
		} else {
			plain.ServeHTTP(writer, request)
		}
	})
	handler := http.NewServeMux()
	handler.Handle("/healthz", plain)
	handler.Handle("/", logged(both))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	servers := []*http.Server{}
	for _, port := range append([]string{"80"}, strings.FieldsFunc(os.Getenv("PORTS"), isComma)...) {
		servers = append(servers, &http.Server{Addr: ":" + port, Handler: handler, Protocols: protocols})
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	drained := make(chan struct{})
	go func() {
		<-ended.Done()
		for _, server := range servers {
			_ = server.Shutdown(context.Background())
		}
		close(drained)
	}()
	for _, server := range servers {
		go func() {
			if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				log.Fatal(err)
			}
		}()
	}
	<-drained
}
