// Command node serves cosi.resource.State as a Talos node does, from the Go in-memory state with the
// Talos resource types, so that our client meets the real server:
//
//	node -listen 127.0.0.1:0 [-ca ca.crt -crt server.crt -key server.key] [-load FILE.wire.json] [-capacity N]
//
// Without certificates it speaks plaintext. It prints "listening on ADDRESS" when it is ready and ends
// on SIGTERM.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/resource/protobuf"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/impl/inmem"
	"github.com/cosi-project/runtime/pkg/state/impl/namespaced"
	"github.com/cosi-project/runtime/pkg/state/protobuf/server"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"

	// The types: resources of theirs are decoded and encoded again, as on a node.
	_ "github.com/siderolabs/talos/pkg/machinery/resources/block"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/cluster"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/config"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/k8s"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/kubespan"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/network"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/runtime"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/secrets"
	_ "github.com/siderolabs/talos/pkg/machinery/resources/v1alpha1"
)

const maxMessageBytes = 32 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "HOST:PORT or unix:PATH")
	ca := flag.String("ca", "", "authority of the clients' certificates")
	crt := flag.String("crt", "", "server certificate")
	key := flag.String("key", "", "its key")
	load := flag.String("load", "", "resources to begin with, a *.wire.json file")
	capacity := flag.Int("capacity", 1000, "events that each kind remembers")
	flag.Parse()

	if err := run(*listen, *ca, *crt, *key, *load, *capacity); err != nil {
		log.Fatal(err)
	}
}

func run(listen, ca, crt, key, load string, capacity int) error {
	resources, err := loadResources(load)
	if err != nil {
		return err
	}

	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessageBytes), grpc.MaxSendMsgSize(maxMessageBytes)}

	if crt != "" {
		config, err := mutualTLS(ca, crt, key)
		if err != nil {
			return err
		}

		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}

	listener, err := listenOn(listen)
	if err != nil {
		return err
	}

	srv := grpc.NewServer(options...)
	v1alpha1.RegisterStateServer(srv, server.NewState(newState(resources, capacity)))
	machine.RegisterMachineServiceServer(srv, versionServer{})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	go func() {
		<-ctx.Done()
		srv.Stop()
	}()

	fmt.Printf("listening on %s\n", address(listener))

	return srv.Serve(listener)
}

func newState(resources []resource.Resource, capacity int) state.CoreState {
	return namespaced.NewState(func(namespace resource.Namespace) state.CoreState {
		return inmem.NewStateWithOptions(
			inmem.WithHistoryCapacity(capacity),
			inmem.WithHistoryGap(capacity/20),
			inmem.WithBackingStore(&preloaded{namespace: namespace, resources: resources}),
		)(namespace)
	})
}

// preloaded is a backing store that only loads: resources keep their versions and times, which
// Create would not let them.
type preloaded struct {
	namespace resource.Namespace
	resources []resource.Resource
}

func (p *preloaded) Load(_ context.Context, handler inmem.LoadHandler) error {
	for _, r := range p.resources {
		if r.Metadata().Namespace() != p.namespace {
			continue
		}

		if err := handler(r.Metadata().Type(), r.DeepCopy()); err != nil {
			return err
		}
	}

	return nil
}

func (p *preloaded) Put(context.Context, resource.Type, resource.Resource) error { return nil }

func (p *preloaded) Destroy(context.Context, resource.Type, resource.Pointer) error { return nil }

func loadResources(path string) ([]resource.Resource, error) {
	if path == "" {
		return nil, nil
	}

	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}

	var entries []struct {
		Wire string `json:"wire"`
	}

	if err = json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}

	resources := make([]resource.Resource, 0, len(entries))

	for i, entry := range entries {
		r, err := decode(entry.Wire)
		if err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", path, i, err)
		}

		resources = append(resources, r)
	}

	return resources, nil
}

func decode(wire string) (resource.Resource, error) {
	data, err := base64.StdEncoding.DecodeString(wire)
	if err != nil {
		return nil, err
	}

	var message v1alpha1.Resource

	if err = message.UnmarshalVT(data); err != nil {
		return nil, err
	}

	// Not decoded into the type: a node sends the very spec that the file has.
	return protobuf.Unmarshal(&message)
}

func mutualTLS(ca, crt, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err != nil {
		return nil, err
	}

	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}

	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

func listenOn(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return net.Listen("unix", path)
	}

	return net.Listen("tcp", address)
}

func address(listener net.Listener) string {
	if listener.Addr().Network() == "unix" {
		return "unix:" + listener.Addr().String()
	}

	return listener.Addr().String()
}

// versionServer answers what talosctl asks before every get.
type versionServer struct {
	machine.UnimplementedMachineServiceServer
}

func (versionServer) Version(context.Context, *emptypb.Empty) (*machine.VersionResponse, error) {
	return &machine.VersionResponse{
		Messages: []*machine.Version{{
			Version:  &machine.VersionInfo{Tag: "v1.13.3"},
			Features: &machine.FeaturesInfo{Rbac: true},
		}},
	}, nil
}
