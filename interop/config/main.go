// Command config does to machine configurations what talosctl does, with Talos's own packages: it reads one
// question after the other from stdin, as JSON, and answers each on a line of its own.
//
//	{"do": "patch", "config": TEXT, "patches": [TEXT]}  the patched text
//	{"do": "validate", "config": TEXT, "mode": MODE}    whether it is valid: an error says why not
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/validation"
)

type question struct {
	Do      string   `json:"do"`
	Config  string   `json:"config"`
	Patches []string `json:"patches"`
	Mode    mode     `json:"mode"`
}

type answer struct {
	Text  string `json:"text"`
	Error string `json:"error"`
}

// mode is where a machine runs, as `talosctl validate --mode` names it.
type mode string

func (m mode) String() string        { return string(m) }
func (m mode) RequiresInstall() bool { return m == "metal" }
func (m mode) InContainer() bool     { return m == "container" }

func main() {
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := json.NewEncoder(os.Stdout)

	for {
		var asked question

		if err := questions.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}

		text, err := do(asked)
		told := answer{Text: text}

		if err != nil {
			told.Error = err.Error()
		}

		if err := answers.Encode(told); err != nil {
			log.Fatal(err)
		}
	}
}

// do also tells of what makes Talos's packages panic.
func do(asked question) (text string, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()

	switch asked.Do {
	case "patch":
		return patch(asked)
	case "validate":
		return "", validate(asked)
	default:
		return "", fmt.Errorf("nobody knows how to %s", asked.Do)
	}
}

func patch(asked question) (string, error) {
	patches, err := configpatcher.LoadPatches(asked.Patches)
	if err != nil {
		return "", err
	}

	patched, err := configpatcher.Apply(configpatcher.WithBytes([]byte(asked.Config)), patches)
	if err != nil {
		return "", err
	}

	text, err := patched.Bytes()

	return string(text), err
}

func validate(asked question) error {
	config, err := configloader.NewFromBytes([]byte(asked.Config))
	if err != nil {
		return err
	}

	_, err = config.Validate(asked.Mode, validation.WithLocal())

	return err
}
