#!/usr/bin/env bash
# Deploy a stack of the AWS environment, new or not: `scripts/aws_deploy.sh STACK`, with Python activated.
# Image and migrations go ahead of the code that needs them; migrations only add, so the old code runs on meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly stack="$1"

up() { pulumi up --yes --stack "$stack" --policy-pack policy "$@"; }
run() { pulumi stack output --json --stack "$stack" | python -m environments.aws.run_task "$1"; }
push_image() {
    local image
    image="$(pulumi stack output image --stack "$stack")"
    aws ecr get-login-password | docker login --username AWS --password-stdin "${image%%/*}"
    docker manifest inspect "$image" >/dev/null 2>&1 && return
    docker build --platform linux/amd64 -f environments/local/image/Dockerfile --target code -t ecom-code .
    docker build --platform linux/amd64 -f environments/aws/image/Dockerfile --build-arg CODE=ecom-code -t "$image" dist/aws
    docker push "$image"
}

if pulumi stack output image --stack "$stack" >/dev/null 2>&1; then
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
