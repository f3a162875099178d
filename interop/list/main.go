// Command list reads all resources of a kind from a node, as a Go program does it that wants no more than
// that, and prints how many there are. It is what our command line is measured against:
//
//	list -address HOST:PORT -ca ca.crt -crt client.crt -key client.key [-namespace kubespan] [-type TYPE]
//
// With -node it asks one node of a cluster after the other, named in the metadata as talosctl does it, and prints
// the name of each with its number. With -nodes it names all of them in one call, as talosctl did before v1.13.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/state/protobuf/client"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
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
	one := flag.String("node", "", "nodes to ask one after the other, separated by commas")
	together := flag.String("nodes", "", "nodes to name in one call, separated by commas")
	flag.Parse()

	conn, err := connect(*address, *ca, *crt, *key)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck

	ctx := context.Background()

	if *together != "" {
		ctx = metadata.NewOutgoingContext(ctx, metadata.MD{"nodes": strings.Split(*together, ",")})
	}

	if *one == "" {
		count, err := list(ctx, conn, *namespace, *kind)
		if err != nil {
			log.Fatal(err) //nolint:gocritic // the end of the process closes the connection
		}

		fmt.Println(count)

		return
	}

	for _, node := range strings.Split(*one, ",") {
		count, err := list(metadata.AppendToOutgoingContext(ctx, "node", node), conn, *namespace, *kind)
		if err != nil {
			log.Fatal(err)
		}

		fmt.Println(node, count)
	}
}

func connect(address, ca, crt, key string) (*grpc.ClientConn, error) {
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
		return nil, fmt.Errorf("%s: no certificate", ca)
	}

	config := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS13}

	return grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
}

func list(ctx context.Context, conn *grpc.ClientConn, namespace, kind string) (int, error) {
	// talosctl asks for the version before each list.
	if _, err := machine.NewMachineServiceClient(conn).Version(ctx, &emptypb.Empty{}); err != nil {
		return 0, err
	}

	found, err := client.NewAdapter(v1alpha1.NewStateClient(conn)).
		List(ctx, resource.NewMetadata(namespace, kind, "", resource.VersionUndefined))
	if err != nil {
		return 0, err
	}

	return len(found.Items), nil
}
