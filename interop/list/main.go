// Command list reads all resources of a kind from a node, as a Go program does it that wants no more than
// that, and prints how many there are. It is what our command line is measured against:
//
//	list -address HOST:PORT -ca ca.crt -crt client.crt -key client.key [-namespace kubespan] [-type TYPE]
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/state/protobuf/client"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"

	_ "github.com/siderolabs/talos/pkg/machinery/resources/kubespan" // the type is decoded, as talosctl does
)

func main() {
	address := flag.String("address", "", "HOST:PORT")
	ca := flag.String("ca", "", "authority of the server's certificate")
	crt := flag.String("crt", "", "client certificate")
	key := flag.String("key", "", "its key")
	namespace := flag.String("namespace", "kubespan", "namespace")
	kind := flag.String("type", "KubeSpanPeerStatuses.kubespan.talos.dev", "resource type")
	flag.Parse()

	count, err := list(*address, *ca, *crt, *key, *namespace, *kind)
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(count)
}

func list(address, ca, crt, key, namespace, kind string) (int, error) {
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err != nil {
		return 0, err
	}

	pem, err := os.ReadFile(ca)
	if err != nil {
		return 0, err
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return 0, fmt.Errorf("%s: no certificate", ca)
	}

	config := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS13}

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck

	// talosctl asks for the version before each list.
	if _, err = machine.NewMachineServiceClient(conn).Version(context.Background(), &emptypb.Empty{}); err != nil {
		return 0, err
	}

	found, err := client.NewAdapter(v1alpha1.NewStateClient(conn)).
		List(context.Background(), resource.NewMetadata(namespace, kind, "", resource.VersionUndefined))
	if err != nil {
		return 0, err
	}

	return len(found.Items), nil
}
