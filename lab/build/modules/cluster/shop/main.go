// A small server for tests, whose speed and failures can be set: what a new version does worse than the old one.
//
// VERSION is the version that answers name. ROUTES is a JSON object of paths and what they do:
//
//	{"/": {"delayMs": 20}, "/cart": {"delayMs": 20, "failEvery": 100}, "/old": {"status": 404},
//	 "/items": {"holds": {"price": 1}, "oddEvery": 20, "odd": {"price": "1"}}}
//
// A request is answered as the longest path says that its own starts with.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Route is how the requests below one path are answered.
type Route struct {
	DelayMs   float64         `json:"delayMs"`   // how long an answer takes
	Status    int             `json:"status"`    // what every answer is; 0: 200
	FailEvery int64           `json:"failEvery"` // each so-manieth request is answered 500; 0: none
	Holds     json.RawMessage `json:"holds"`     // what is answered as JSON; none: a line of text
	Odd       json.RawMessage `json:"odd"`       // what is answered in place of it
	OddEvery  int64           `json:"oddEvery"`  // to each so-manieth request; 0: none
	served    atomic.Int64
	held      atomic.Int64
}

func (route *Route) status() int {
	if route.FailEvery > 0 && route.served.Add(1)%route.FailEvery == 0 {
		return http.StatusInternalServerError
	}
	if route.Status != 0 {
		return route.Status
	}
	return http.StatusOK
}

// The JSON that is answered; none: a line of text is.
func (route *Route) holds() json.RawMessage {
	if route.OddEvery > 0 && route.held.Add(1)%route.OddEvery == 0 {
		return route.Odd
	}
	return route.Holds
}

func routes(text string) (map[string]*Route, error) {
	found := map[string]*Route{"/": {}}
	if text == "" {
		return found, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	return found, decoder.Decode(&found)
}

func longest(found map[string]*Route, path string) *Route {
	best := "/"
	for prefix := range found {
		if len(prefix) > len(best) && strings.HasPrefix(path, prefix) {
			best = prefix
		}
	}
	return found[best]
}

func main() {
	found, err := routes(os.Getenv("ROUTES"))
	if err != nil {
		log.Fatalf("ROUTES: %v", err)
	}
	host, _ := os.Hostname()
	body := fmt.Sprintf("shop %s %s\n", os.Getenv("VERSION"), host)
	http.HandleFunc("/healthz", func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(writer, "ok") })
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		route := longest(found, request.URL.Path)
		time.Sleep(time.Duration(route.DelayMs * float64(time.Millisecond)))
		holds := route.holds()
		if holds != nil {
			writer.Header().Set("Content-Type", "application/json")
		}
		writer.WriteHeader(route.status())
		if holds != nil {
			_, _ = writer.Write(holds)
			return
		}
		fmt.Fprint(writer, body)
	})
	server := &http.Server{Addr: ":80"}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	drained := make(chan struct{})
	go func() {
		<-ended.Done()
		_ = server.Shutdown(context.Background())
		close(drained)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-drained
}
