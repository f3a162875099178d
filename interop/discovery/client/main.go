// Command client runs the real discovery client: it announces what it is told on stdin, and prints what
// it sees as a line of JSON after every change.
package main

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	clientpb "github.com/siderolabs/discovery-api/api/v1alpha1/client/pb"
	"github.com/siderolabs/discovery-client/pkg/client"
	"go.uber.org/zap"
)

type view struct {
	Affiliates map[string][]string `json:"affiliates"`
	PublicIP   string              `json:"public_ip"`
}

func main() {
	endpoint := flag.String("endpoint", "", "the service, HOST:PORT")
	cluster := flag.String("cluster", "", "cluster id")
	secret := flag.String("secret", "", "cluster secret, base64")
	id := flag.String("id", "", "affiliate id")
	ca := flag.String("ca", "", "file of authorities; plaintext without")
	ttl := flag.Duration("ttl", 30*time.Minute, "of what is announced")
	flag.Parse()

	key, err := base64.StdEncoding.DecodeString(*secret)
	check(err)

	block, err := aes.NewCipher(key)
	check(err)

	c, err := client.NewClient(client.Options{
		Cipher:        block,
		TLSConfig:     func() *tls.Config { return trusting(*ca) },
		Endpoint:      *endpoint,
		ClusterID:     *cluster,
		AffiliateID:   *id,
		ClientVersion: "interop",
		TTL:           *ttl,
		Insecure:      *ca == "",
	})
	check(err)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	notify := make(chan struct{}, 1)

	go func() { check(c.Run(ctx, zap.NewNop(), notify)) }()
	go func() {
		for range notify {
			show(c)
		}
	}()

	commands(c, *id)
}

// commands: `set HOSTNAME ENDPOINT…`, `seen ID ENDPOINT…`, `delete`; what was set stays until it is set again.
func commands(c *client.Client, id string) {
	local := &client.Affiliate{Affiliate: &clientpb.Affiliate{NodeId: id}}

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())

		switch words[0] {
		case "set":
			local.Affiliate.Hostname = words[1]
			local.Endpoints = endpoints(words[2:])
			check(c.SetLocalData(local, nil))
		case "seen":
			check(c.SetLocalData(local, []client.Endpoint{{AffiliateID: words[1], Endpoints: endpoints(words[2:])}}))
		case "delete":
			c.DeleteLocalAffiliate()
		default:
			log.Fatalf("unknown command %q", words[0])
		}
	}
}

func show(c *client.Client) {
	seen := view{Affiliates: map[string][]string{}}

	if ip, ok := netip.AddrFromSlice(c.GetPublicIP()); ok {
		seen.PublicIP = ip.String()
	}

	for _, affiliate := range c.GetAffiliates() {
		words := []string{affiliate.Affiliate.Hostname}

		for _, endpoint := range affiliate.Endpoints {
			ip, ok := netip.AddrFromSlice(endpoint.Ip)
			if !ok {
				log.Fatalf("endpoint %v", endpoint)
			}

			words = append(words, netip.AddrPortFrom(ip, uint16(endpoint.Port)).String())
		}

		slices.Sort(words[1:])
		seen.Affiliates[affiliate.Affiliate.NodeId] = words
	}

	line, err := json.Marshal(seen)
	check(err)
	fmt.Println(string(line))
}

func endpoints(words []string) []*clientpb.Endpoint {
	found := make([]*clientpb.Endpoint, 0, len(words))

	for _, word := range words {
		addr, err := netip.ParseAddrPort(word)
		check(err)

		found = append(found, &clientpb.Endpoint{Ip: addr.Addr().AsSlice(), Port: uint32(addr.Port())})
	}

	return found
}

func trusting(path string) *tls.Config {
	pem, err := os.ReadFile(path)
	check(err)

	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s holds no certificates", path)
	}

	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
