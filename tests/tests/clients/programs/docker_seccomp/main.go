// Prints the seccomp profile that Docker runs a container with by default, as a runtime takes it.
package main

import (
	"encoding/json"
	"os"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	// Without a capability, and most of the calls that Docker lets through depend on none.
	profile, err := seccomp.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}})
	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(profile)
}
