// Pulumi's Kubernetes provider, as its own main does it, but that the schema lies beside the program: the module's
// own copy has no version, and 5 MB need not be committed to be embedded.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func schema() ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	found, err := os.ReadFile(filepath.Join(filepath.Dir(program), "schema.json"))
	if err != nil {
		return nil, err
	}
	versioned := fmt.Sprintf("{\"version\": %q,", version.Version)
	return bytes.Replace(found, []byte("{"), []byte(versioned), 1), nil
}

func main() {
	found, err := schema()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the provider's schema:", err)
		os.Exit(1)
	}
	provider.Serve("kubernetes", version.Version, found, []byte("{}"))
}
