#!/usr/bin/env bash
# Deploy a stack of the AWS environment, new or not: `scripts/aws_deploy.sh STACK`, with Python activated.
# Image and migrations go ahead of the code that needs them; migrations only add, so the old code runs on meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -ne 1 ]; then
    echo "usage: scripts/aws_deploy.sh STACK, e.g. aws (docs/aws.md)" >&2
    exit 2
fi
readonly stack="$1"

# Always by the rules: a Python host that is too old for policy packs says so, and nothing is changed.
up() { pulumi up --yes --stack "$stack" --policy-pack policy "$@"; }
outputs() { pulumi stack output --json --stack "$stack"; }
run() { outputs | python -m environments.aws.run_task "$1"; }
push_image() {
    local image
    image="$(pulumi stack output image --stack "$stack")"
    aws ecr get-login-password | docker login --username AWS --password-stdin "${image%%/*}"
    docker manifest inspect "$image" >/dev/null 2>&1 && return
    docker build --platform linux/amd64 -f environments/local/image/Dockerfile --target tools -t ecom-tools .
    docker build --platform linux/amd64 -f environments/aws/image/Dockerfile --build-arg CODE=ecom-tools -t "$image" dist/aws
    docker push "$image"
}

# A backend that does not answer ends it here: taken for a new one, a stack would get new code ahead of its migrations.
before="$(outputs)"
if [[ "$before" == *'"image"'* ]]; then
    # The setup task and its role alone: it is what carries the new image's name.
    up --target '**::ecom-*-setup*'
    push_image
    run migrate
    up
else
    up
    push_image
fi
run setup
run dashboards
