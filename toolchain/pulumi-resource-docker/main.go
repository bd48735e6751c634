// The plugin behind pulumi-docker, for networks that can't download the official one: the same Terraform provider
// behind the same bridge, with the resources that environments/local uses, under their official names.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	docker "github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

const name = "docker"

// Set by the linker to the version of pulumi-docker in uv.lock, which is what Pulumi asks this plugin for.
var version = "0.0.0"

func main() {
	info := tfbridge.ProviderInfo{
		P:         shimv2.NewProvider(docker.New(version)()),
		Name:      name,
		Version:   version,
		Resources: resources(),
	}
	tfbridge.Main(name, version, info, []byte("{}"))
}

func resources() map[string]*tfbridge.ResourceInfo {
	named := map[string]*tfbridge.SchemaInfo{"name": tfbridge.AutoName("name", 255, "-")}
	return map[string]*tfbridge.ResourceInfo{
		"docker_container": {
			Tok: token("Container"),
			Fields: map[string]*tfbridge.SchemaInfo{
				"name":              named["name"],
				"command":           {Name: "command"},
				"networks_advanced": {Name: "networksAdvanced"},
			},
			// Two containers can't hold one name or one port, not even for a moment.
			DeleteBeforeReplace: true,
		},
		"docker_image":   {Tok: token("RemoteImage")},
		"docker_network": {Tok: token("Network"), Fields: named},
		"docker_tag":     {Tok: token("Tag")},
		"docker_volume":  {Tok: token("Volume"), Fields: named},
	}
}

// MakeResource adds the file that the official packages have for each resource.
func token(resource string) tokens.Type {
	return tfbridge.MakeResource(name, "index", resource)
}
