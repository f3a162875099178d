// Command apply gives the node at an address the configuration that comes in
// on stdin, through Talos's own client stubs, and prints what the node says.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	address, mode, dryRun := os.Args[1], os.Args[2], os.Args[3] == "dry-run"

	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	answer, err := machine.NewMachineServiceClient(conn).ApplyConfiguration(ctx, &machine.ApplyConfigurationRequest{
		Data:           data,
		Mode:           machine.ApplyConfigurationRequest_Mode(machine.ApplyConfigurationRequest_Mode_value[mode]),
		DryRun:         dryRun,
		TryModeTimeout: durationpb.New(90 * time.Second),
	})
	if err != nil {
		fmt.Println(err)

		return
	}

	for _, message := range answer.Messages {
		fmt.Printf("%s %d: %s\n", message.Mode, len(message.Warnings), message.ModeDetails)
	}
}
