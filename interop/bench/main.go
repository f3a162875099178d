// Command bench measures the COSI in-memory state on KubeSpan peer statuses
// and prints one JSON object: nanoseconds per operation, under the keys that
// `python -m benchmarks.state --json` uses.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/resource/protobuf"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/impl/inmem"
	"github.com/siderolabs/talos/pkg/machinery/resources/kubespan"
	"go.yaml.in/yaml/v4"
)

const (
	watchers   = 10
	labelEvery = 10
	lists      = 5
)

func main() {
	n := flag.Int("n", 10_000, "number of resources")
	rounds := flag.Int("rounds", 3, "rounds; the best of each figure counts")
	memory := flag.Bool("memory", false, "print the heap bytes of n resources instead")
	flag.Parse()

	var result any

	if *memory {
		result = map[string]float64{"bytes": measureMemory(*n)}
	} else {
		best := map[string]float64{}

		for range *rounds {
			for key, value := range measure(*n) {
				if old, seen := best[key]; !seen || value < old {
					best[key] = value
				}
			}
		}

		result = best
	}

	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

// id gives distinct keys in no particular order, of a WireGuard key's length.
func id(i int) string {
	var key [32]byte

	word := uint64(i+1) * 0x9E3779B97F4A7C15
	for b := range key {
		key[b] = byte(word >> (b % 8 * 8))
	}

	return base64.StdEncoding.EncodeToString(key[:])
}

func status(i int) *kubespan.PeerStatus {
	res := kubespan.NewPeerStatus(kubespan.NamespaceName, id(i))
	addr := netip.AddrFrom4([4]byte{172, 20, byte(i >> 8), byte(i)})
	endpoint := netip.AddrPortFrom(addr, 51820)
	when := time.Unix(1_768_000_000+int64(i), 123_456_789).UTC()
	*res.TypedSpec() = kubespan.PeerStatusSpec{
		Endpoint:           endpoint,
		Label:              fmt.Sprintf("talos-default-worker-%d", i),
		State:              kubespan.PeerStateUp,
		ReceiveBytes:       15_043_220 + int64(i),
		TransmitBytes:      17_869_488 + int64(i),
		LastHandshakeTime:  when,
		LastUsedEndpoint:   endpoint,
		LastEndpointChange: when,
	}

	if i%labelEvery == 0 {
		res.Metadata().Labels().Set("zone", "a")
	}

	return res
}

func statuses(n int) []*kubespan.PeerStatus {
	all := make([]*kubespan.PeerStatus, n)
	for i := range all {
		all[i] = status(i)
	}

	return all
}

func newState(n int) state.State {
	build := inmem.NewStateWithOptions(inmem.WithHistoryMaxCapacity(2*n + 100))

	return state.WrapCore(build(kubespan.NamespaceName))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// timed returns the nanoseconds per operation of f, which does ops of them.
func timed(ops int, f func()) float64 {
	runtime.GC()

	start := time.Now()

	f()

	return float64(time.Since(start).Nanoseconds()) / float64(ops)
}

func measure(n int) map[string]float64 {
	ctx := context.Background()
	st := newState(n)
	all := statuses(n)
	figures := map[string]float64{}
	kind := resource.NewMetadata(kubespan.NamespaceName, kubespan.PeerStatusType, "", resource.VersionUndefined)

	figures["create"] = timed(n, func() {
		for _, res := range all {
			must(st.Create(ctx, res))
		}
	})
	figures["get"] = timed(n, func() {
		for _, res := range all {
			_, err := st.Get(ctx, res.Metadata())
			must(err)
		}
	})
	figures["list_all_per_item"] = timed(n*lists, func() {
		for i := range lists {
			_, err := st.List(ctx, kind)
			must(err)
			updateAll(ctx, st, all[i:i+1])
		}
	})

	matches := (n + labelEvery - 1) / labelEvery

	figures["list_label_per_match"] = timed(matches, func() {
		list, err := st.List(ctx, kind, state.WithLabelQuery(resource.LabelEqual("zone", "a")))
		must(err)

		if len(list.Items) != matches {
			log.Fatalf("%d matches, want %d", len(list.Items), matches)
		}
	})
	figures["update_with_conflicts"] = timed(n, func() { updateAll(ctx, st, all) })
	figures["watch_fanout_per_event"] = timed(n*watchers, func() { fanOut(ctx, st, all, kind) })
	figures["yaml_marshal"] = timed(n, func() {
		for _, res := range all {
			value, err := resource.MarshalYAML(res)
			must(err)

			_, err = yaml.Marshal(value)
			must(err)
		}
	})
	figures["wire_marshal"] = timed(n, func() {
		for _, res := range all {
			message, err := protobuf.FromResource(res)
			must(err)

			wire, err := message.Marshal()
			must(err)

			_, err = protobuf.ProtoMarshal(wire)
			must(err)
		}
	})

	return figures
}

func updateAll(ctx context.Context, st state.State, all []*kubespan.PeerStatus) {
	for _, res := range all {
		_, err := st.UpdateWithConflicts(ctx, res.Metadata(), func(r resource.Resource) error {
			r.(*kubespan.PeerStatus).TypedSpec().ReceiveBytes++ //nolint:forcetypeassert

			return nil
		})
		must(err)
	}
}

// fanOut updates every resource once while watchers follow, and waits until each has seen all.
func fanOut(ctx context.Context, st state.State, all []*kubespan.PeerStatus, kind resource.Kind) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	done := make(chan error, watchers)

	for range watchers {
		events := make(chan state.Event)

		must(st.WatchKind(ctx, kind, events))

		go func() {
			for range all {
				if event := <-events; event.Type == state.Errored {
					done <- event.Error

					return
				}
			}

			done <- nil
		}()
	}

	updateAll(ctx, st, all)

	for range watchers {
		must(<-done)
	}
}

func measureMemory(n int) float64 {
	var before, after runtime.MemStats

	runtime.GC()
	runtime.ReadMemStats(&before)

	st := newState(0)

	for i := range n {
		must(st.Create(context.Background(), status(i)))
	}

	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(st)

	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}
