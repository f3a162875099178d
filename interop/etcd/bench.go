package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/netip"
	"runtime"
	"time"

	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/siderolabs/talos/pkg/machinery/resources/kubespan"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// identifier gives distinct ids in no particular order, of a WireGuard key's length.
func identifier(i int) string {
	var key [32]byte

	word := uint64(i+1) * 0x9E3779B97F4A7C15
	for b := range key {
		key[b] = byte(word >> (b % 8 * 8))
	}

	return base64.StdEncoding.EncodeToString(key[:])
}

func status(i int) *kubespan.PeerStatus {
	res := kubespan.NewPeerStatus(kubespan.NamespaceName, identifier(i))
	endpoint := netip.AddrPortFrom(netip.AddrFrom4([4]byte{172, 20, byte(i >> 8), byte(i)}), 51820)
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

	return res
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func timed(operations int, run func()) float64 {
	runtime.GC()

	start := time.Now()

	run()

	return float64(time.Since(start).Nanoseconds()) / float64(operations)
}

func measure(ctx context.Context, st state.State, store *etcdState, n, rounds int) map[string]float64 {
	best := map[string]float64{}

	for range rounds {
		for key, value := range measureOnce(ctx, st, n) {
			if old, seen := best[key]; !seen || value < old {
				best[key] = value
			}
		}

		_, err := store.client.Delete(ctx, store.prefix, clientv3.WithPrefix())
		must(err)
	}

	return best
}

func measureOnce(ctx context.Context, st state.State, n int) map[string]float64 {
	figures := map[string]float64{}
	every := make([]*kubespan.PeerStatus, n)

	for i := range every {
		every[i] = status(i)
	}

	kind := resource.NewMetadata(kubespan.NamespaceName, kubespan.PeerStatusType, "", resource.VersionUndefined)

	figures["create"] = timed(n, func() {
		for _, res := range every {
			must(st.Create(ctx, res))
		}
	})
	figures["get"] = timed(n, func() {
		for _, res := range every {
			_, err := st.Get(ctx, res.Metadata())
			must(err)
		}
	})
	figures["list"] = timed(n, func() {
		list, err := st.List(ctx, kind)
		must(err)

		if len(list.Items) != n {
			log.Fatalf("%d resources, want %d", len(list.Items), n)
		}
	})
	figures["update"] = timed(n, func() {
		for _, res := range every {
			res.TypedSpec().ReceiveBytes++
			must(st.Update(ctx, res))
		}
	})

	events := make(chan state.Event)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	must(st.WatchKind(ctx, kind, events))

	figures["watch"] = timed(n, func() {
		for _, res := range every {
			res.TypedSpec().ReceiveBytes++
			must(st.Update(ctx, res))

			if event := <-events; event.Type != state.Updated {
				log.Fatalf("told %s", event.Type)
			}
		}
	})

	return figures
}
