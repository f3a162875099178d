// Command etcd is a Go program that shares an etcd with ours: it keeps KubeSpan peer statuses by COSI's
// marshaler and etcd's own client, in the layout of state-etcd.
//
//	etcd -etcd 127.0.0.1:2379 -prefix /cosi -listen 127.0.0.1:0
//	etcd -etcd 127.0.0.1:2379 -prefix /bench -bench 1000 [-rounds 3]
//
// The first serves cosi.resource.State from it, so that what Go reads, writes and watches can be asked
// from outside; it prints "listening on ADDRESS" when it is ready and ends on SIGTERM. The second
// measures and prints one JSON object: nanoseconds per operation.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/protobuf/server"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

const connectTimeout = 10 * time.Second

func main() {
	endpoints := flag.String("etcd", "127.0.0.1:2379", "HOST:PORT[,HOST:PORT...]")
	prefix := flag.String("prefix", "/cosi", "of all keys")
	listen := flag.String("listen", "127.0.0.1:0", "where to serve")
	bench := flag.Int("bench", 0, "measure with so many resources instead of serving")
	rounds := flag.Int("rounds", 3, "rounds of the measurement; the best of each figure counts")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(*endpoints, ","), DialTimeout: connectTimeout})
	if err != nil {
		log.Fatal(err)
	}

	defer client.Close() //nolint:errcheck

	store := &etcdState{client: client, prefix: *prefix}

	if *bench > 0 {
		err = json.NewEncoder(os.Stdout).Encode(measure(ctx, state.WrapCore(store), store, *bench, *rounds))
	} else {
		err = serve(ctx, store, *listen)
	}

	if err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, store state.CoreState, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}

	srv := grpc.NewServer()
	v1alpha1.RegisterStateServer(srv, server.NewState(store))

	go func() {
		<-ctx.Done()
		srv.Stop()
	}()

	fmt.Printf("listening on %s\n", listener.Addr())

	return srv.Serve(listener)
}
