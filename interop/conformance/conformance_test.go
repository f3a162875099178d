// Package conformance runs the COSI runtime's own conformance suite through its gRPC client against
// the server at $COSI_ADDRESS (HOST:PORT or unix:PATH, plaintext):
//
//	COSI_ADDRESS=unix:/tmp/state.sock go test ./conformance
package conformance

import (
	"os"
	"testing"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/resource/protobuf"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/conformance"
	"github.com/cosi-project/runtime/pkg/state/protobuf/client"
	"github.com/stretchr/testify/require"
	"github.com/stretchr/testify/suite"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func TestConformance(t *testing.T) {
	address := os.Getenv("COSI_ADDRESS")
	if address == "" {
		t.Skip("COSI_ADDRESS is not set")
	}

	require.NoError(t, protobuf.RegisterResource(conformance.PathResourceType, &conformance.PathResource{}))

	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)

	t.Cleanup(func() { connection.Close() }) //nolint:errcheck

	suite.Run(t, &conformance.StateSuite{
		State:      state.WrapCore(client.NewAdapter(v1alpha1.NewStateClient(connection))),
		Namespaces: []resource.Namespace{"default", "controller", "system", "runtime"},
	})
}
