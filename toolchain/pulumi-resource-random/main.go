// The plugin behind pulumi-random, for networks that can't download the official one: the same Terraform provider
// behind the same bridge, under the official names.
package main

import (
	"context"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	random "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

const name = "random"

// Set by the linker to the version of pulumi-random in uv.lock, which is what Pulumi asks this plugin for.
var version = "0.0.0"

func main() {
	info := bridge.ProviderInfo{
		P:       tfbridge.ShimProvider(random.New()),
		Name:    name,
		Version: version,
		Resources: map[string]*bridge.ResourceInfo{
			"random_bytes":    {Tok: token("RandomBytes")},
			"random_id":       {Tok: token("RandomId")},
			"random_password": {Tok: token("RandomPassword")},
			"random_string":   {Tok: token("RandomString")},
		},
		// Notes about renamed resources, which there are none of.
		MetadataInfo: bridge.NewProviderMetadata([]byte("{}")),
	}
	tfbridge.Main(context.Background(), name, info, tfbridge.ProviderMetadata{PackageSchema: []byte("{}")})
}

// MakeResource adds the file that the official packages have for each resource.
func token(resource string) tokens.Type {
	return bridge.MakeResource(name, "index", resource)
}
