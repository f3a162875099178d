// Command queries prints, as JSON, which labels the terms of COSI's label
// queries match: the cases that tests/model holds against ours.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/cosi-project/runtime/pkg/resource"
)

type match struct {
	Op     string   `json:"op"`
	Label  *string  `json:"label"`
	Values []string `json:"values"`
	Invert bool     `json:"invert"`
	Match  bool     `json:"match"`
}

var ops = []struct {
	name string
	op   resource.LabelOp
}{
	{"exists", resource.LabelOpExists},
	{"=", resource.LabelOpEqual},
	{"in", resource.LabelOpIn},
	{"<", resource.LabelOpLT},
	{"<=", resource.LabelOpLTE},
	{"lt_numeric", resource.LabelOpLTNumeric},
	{"lte_numeric", resource.LabelOpLTENumeric},
}

// Texts that are numbers to some and none to others. Those whose value does
// not fit into 64 bits are left out: there Go's arithmetic wraps around.
var numbers = []string{
	"0", "1", " 1 ", "00012", "-5", "+5", "- 5", "1-", "1.5", "1e3", "0x10", "1_000", "٥", "", "k", "i",
	"1k", "1K", "1 k", "1\tk", "1\u00a0k", "1ki", "1Ki", "1KI", "1 ki ", "1kib2", "1kk", "1kx", "1k.", "1 k k", "-1ki",
	"2m", "2mi", "3gb", "3GiB", "4t", "4tt", "4ti", "5p", "5pi", "1x", "1b", "1e", "1i", "1 i", "1\u00b5",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999",
}

var limits = []string{"-1024", "-5", "0", "1", "12", "1000", "1024", "2M", "2Mi", "3G", "3Gi", "4T", "4Ti", "5P", "5Pi", "9223372036854775807"}

func main() {
	labels := []*string{nil, text("5"), text("x"), text("")}
	values := [][]string{nil, {"5"}, {"6", "x"}, {"abc"}, {""}}

	var found []match

	for i := range ops {
		for _, label := range labels {
			for _, value := range values {
				found = append(found, both(i, label, value)...)
			}
		}
	}

	for _, number := range numbers {
		for _, limit := range limits {
			found = append(found, both(6, text(number), []string{limit})...)
		}

		found = append(found, both(5, text("1"), []string{number})...)
	}

	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")

	if err := encoder.Encode(found); err != nil {
		log.Fatal(err)
	}
}

func text(s string) *string { return &s }

// both tells of a term and its inversion.
func both(op int, label *string, values []string) []match {
	var labels resource.Labels

	labels.Set("other", "1")

	if label != nil {
		labels.Set("k", *label)
	}

	var found []match

	for _, invert := range []bool{false, true} {
		term := resource.LabelTerm{Key: "k", Op: ops[op].op, Value: values, Invert: invert}
		found = append(found, match{ops[op].name, label, values, invert, labels.Matches(term)})
	}

	return found
}
