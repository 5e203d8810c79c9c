#!/usr/bin/env bash
# From a checkout to the HTTPS address: builds the image, pushes it, deploys both stacks, waits, prints the address.
# Saying it again deploys what has changed and nothing else. docs/deploy.md explains every step.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
usage: ecs/deploy.sh [options] [deploy | url | key | destroy]

  deploy    (the default) builds, pushes, deploys, waits, and prints the address
  url       prints the address
  key       prints the key that opens it
  destroy   deletes all that deploy has made, images, secrets and log included

  --name NAME           name of the stacks, NAME and NAME-site (sightline)
  --region REGION       AWS region (that of the aws command)
  --set NAME=VALUE      a parameter of ecs/service.yaml or ecs/site.yaml, as often as needed, such as --set TaskSize=4vcpu-8gb;
                        what is not set stays as it was deployed
  --vpc VPC             network (the account's default one)
  --subnets A,B         public subnets of it, in two or more zones (its first three)
  --dry-run             reads what is there and says what would be done; changes nothing
  --yes                 destroy without asking
END
}

name=sightline region="" vpc="" subnets="" dry_run="" yes="" word=deploy
settings=()
while [ $# -gt 0 ]; do
    case $1 in
        --name | --region | --set | --vpc | --subnets)
            [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
            case $1 in
                --name) name=$2 ;;
                --region) region=$2 ;;
                --set) settings+=("$2") ;;
                --vpc) vpc=$2 ;;
                --subnets) subnets=$2 ;;
            esac
            shift 2 ;;
        --dry-run) dry_run=1; shift ;;
        --yes) yes=1; shift ;;
        --help | -h) usage; exit 0 ;;
        deploy | url | key | destroy) word=$1; shift ;;
        *) echo "unknown: $1" >&2; usage >&2; exit 2 ;;
    esac
done
[ -z "$region" ] || export AWS_REGION=$region AWS_DEFAULT_REGION=$region
export AWS_PAGER=""

say() { printf '== %s\n' "$1" >&2; }
fail() { printf '%s\n' "$1" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is missing: $2"; }

# Carries out what changes something, or says it. No secret may stand in its words.
change() {
    if [ -n "$dry_run" ]; then
        printf 'would run: %s\n' "$*" >&2
    else
        "$@" >&2
    fi
}

# An output of a stack; empty where there is none.
output() {
    local value
    value=$(aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]" 2>/dev/null) || value=""
    [ "$value" = None ] || printf '%s' "$value"
}

# Empty where the stack does not exist; any other trouble ends the script, so that it is not taken for a first deployment.
stack_state() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        printf '%s' "$answer"
    elif [[ $answer != *"does not exist"* ]]; then
        fail "$answer"
    fi
}

# Whether a template has a parameter.
has_parameter() {
    awk -v name="  $2:" '/^[A-Z]/ { inside = /^Parameters:/ } inside && $0 == name { found = 1 } END { exit !found }' "$1"
}

# Those of the settings that are parameters of a template, one a line.
settings_for() {
    local setting
    for setting in ${settings[@]+"${settings[@]}"}; do
        if has_parameter "$1" "${setting%%=*}"; then printf '%s\n' "$setting"; fi
    done
}

check_settings() {
    local setting
    for setting in ${settings[@]+"${settings[@]}"}; do
        [[ $setting == *=* ]] || fail "--set takes NAME=VALUE, not $setting"
        has_parameter ecs/service.yaml "${setting%%=*}" || has_parameter ecs/site.yaml "${setting%%=*}" \
            || fail "ecs/service.yaml and ecs/site.yaml have no parameter ${setting%%=*}"
    done
}

find_network() {
    if [ -z "$vpc" ]; then
        vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
        [ "$vpc" != None ] || fail "this account has no default network in this region: name one with --vpc and --subnets, or make one with: aws ec2 create-default-vpc"
    fi
    if [ -z "$subnets" ]; then
        subnets=$(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" Name=map-public-ip-on-launch,Values=true \
            --query 'sort_by(Subnets, &AvailabilityZone)[:3].SubnetId' --output text | tr -s '[:space:]' ',' | sed 's/,$//')
    fi
    [[ $subnets == *,* ]] || fail "the network $vpc needs public subnets in two zones; found: ${subnets:-none}"
    cidr=$(aws ec2 describe-vpcs --vpc-ids "$vpc" --query 'Vpcs[0].CidrBlock' --output text)
    prefixes=$(aws ec2 describe-managed-prefix-lists --query 'PrefixLists[0].PrefixListId' --output text \
        --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing)
    [[ $prefixes == pl-* ]] || fail "this region has no list of CloudFront's addresses"
}

# The roles by which AWS' own services act. In an account that never used them the first stack would fail for want of them.
make_service_roles() {
    local service role
    while read -r service role; do
        aws iam get-role --role-name "$role" >/dev/null 2>&1 \
            || change aws iam create-service-linked-role --aws-service-name "$service"
    done <<'END'
ecs.amazonaws.com AWSServiceRoleForECS
elasticloadbalancing.amazonaws.com AWSServiceRoleForElasticLoadBalancing
END
}

# Deploys ecs/service.yaml with an image tag, or without one: all but the service. Parameters that are not named stay as they are.
deploy_service() {
    local own=()
    mapfile -t own < <(settings_for ecs/service.yaml)
    change aws cloudformation deploy --stack-name "$name" --template-file ecs/service.yaml --capabilities CAPABILITY_IAM \
        --no-fail-on-empty-changeset --tags "application=$name" --parameter-overrides "VpcId=$vpc" "VpcCidr=$cidr" \
        "SubnetIds=$subnets" "CloudFrontPrefixListId=$prefixes" "ImageTag=$1" ${own[@]+"${own[@]}"}
}

# Names what is in the checkout: the commit, and behind it a sum of what is not committed.
image_tag() {
    local tag
    tag=$(git rev-parse --short=12 HEAD)
    if [ -n "$(git status --porcelain)" ]; then
        tag=$tag-$({ git diff HEAD --binary; git ls-files -z --others --exclude-standard | xargs -0 -r sha256sum; } | sha256sum | cut -c1-8)
    fi
    printf '%s' "$tag"
}

# The docker command can be there without the service behind it.
find_engine() {
    local engine
    for engine in docker podman; do
        if "$engine" info >/dev/null 2>&1; then printf '%s' "$engine"; return; fi
    done
    command -v buildah >/dev/null || fail "neither docker nor podman nor buildah works here: one of them builds the image"
    printf buildah
}

# Builds and pushes, unless the registry has this tag: a tag there never changes.
push_image() {
    local repository=$1 uri=$2 tag=$3 engine
    if [ -n "$repository" ] && aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
        say "the registry has the image $tag"
        return
    fi
    engine=$(find_engine)
    say "building the image $tag with $engine"
    change env "ENGINE=$engine" sh container/build.sh "$uri:$tag" --platform linux/amd64
    say "pushing it"
    if [ -n "$dry_run" ]; then
        printf 'would run: aws ecr get-login-password | %s login --username AWS --password-stdin %s\n' "$engine" "${uri%%/*}" >&2
    else
        aws ecr get-login-password | "$engine" login --username AWS --password-stdin "${uri%%/*}" >&2
    fi
    change "$engine" push "$uri:$tag"
}

deploy_site() {
    local origin=$1 secret=$2 own=()
    mapfile -t own < <(settings_for ecs/site.yaml)
    change aws cloudformation deploy --stack-name "$name-site" --template-file ecs/site.yaml --no-fail-on-empty-changeset \
        --tags "application=$name" --parameter-overrides "OriginName=$origin" "OriginSecretArn=$secret" ${own[@]+"${own[@]}"}
}

# The page's files; a browser asks each time whether its copy is the newest, as their names do not say.
send_page() {
    change aws s3 sync static "s3://$1/static" --delete --cache-control no-cache --exclude '*.webmanifest' --exclude '*.js'
    # The types that aws does not know, or not everywhere alike. Browsers refuse modules of another type.
    change aws s3 sync static "s3://$1/static" --delete --cache-control no-cache --exclude '*' --include '*.js' --content-type text/javascript
    change aws s3 sync static "s3://$1/static" --delete --cache-control no-cache --exclude '*' --include '*.webmanifest' \
        --content-type application/manifest+json
}

wait_until_ready() {
    local url=$1 tries
    for ((tries = 0; tries < 60; tries++)); do
        if curl --fail --silent --max-time 10 --output /dev/null "${url}readyz"; then return; fi
        sleep 5
    done
    fail "$url does not get ready: see the service's events in the console, the log with: aws logs tail $(output "$name" LogGroupName), and docs/deploy.md"
}

deploy() {
    local tag state url
    need git "the image is named after the commit"
    need curl "it waits until the address answers"
    check_settings
    find_network
    tag=$(image_tag)
    state=$(stack_state "$name")
    [ "$state" != ROLLBACK_COMPLETE ] || fail "the stack $name failed when it was made: look at its events, then say: $0 --name $name destroy"
    if [ -z "$state" ]; then
        make_service_roles
        say "making the stack $name, without the service: it has no image yet"
        deploy_service ""
    fi
    push_image "$(output "$name" RepositoryName)" "$(known "$name" RepositoryUri)" "$tag"
    say "deploying the service: the stack is done when the new tasks are ready, and goes back when they do not get so"
    deploy_service "$tag"
    say "deploying the address; the first time takes some minutes"
    deploy_site "$(origin_name)" "$(known "$name" OriginSecretArn)"
    say "sending the page's files"
    send_page "$(known "$name-site" BucketName)"
    url=$(known "$name-site" Url)
    if [ -n "$dry_run" ]; then
        say "nothing was changed"
        return
    fi
    say "waiting for $url"
    wait_until_ready "$url"
    say "the key that opens it: $0 --name $name key"
    printf '%s\n' "$url"
}

# An output, or what stands for it while it does not exist yet, which only a dry run may see.
known() {
    local value
    value=$(output "$1" "$2")
    [ -n "$value" ] || [ -n "$dry_run" ] || fail "the stack $1 has no output $2: look at its events"
    printf '%s' "${value:-<$2>}"
}

# Where CloudFront finds the service: what --set says, else the load balancer's own name, unless another was deployed before.
origin_name() {
    local setting deployed
    for setting in ${settings[@]+"${settings[@]}"}; do
        if [ "${setting%%=*}" = OriginName ]; then printf '%s' "${setting#*=}"; return; fi
    done
    deployed=$(aws cloudformation describe-stacks --stack-name "$name-site" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='OriginName' && !ends_with(ParameterValue, '.elb.amazonaws.com')].ParameterValue | [0]" \
        2>/dev/null) || deployed=None
    if [ "$deployed" != None ] && [ -n "$deployed" ]; then printf '%s' "$deployed"; else known "$name" LoadBalancerName; fi
}

delete_stack() {
    [ -n "$(stack_state "$1")" ] || { say "there is no stack $1"; return; }
    say "deleting the stack $1"
    change aws cloudformation delete-stack --stack-name "$1"
    change aws cloudformation wait stack-delete-complete --stack-name "$1"
}

destroy() {
    local bucket answer
    if [ -z "$yes" ] && [ -z "$dry_run" ]; then
        read -r -p "This ends the service $name and deletes its images, keys and log. Its name, to go on: " answer
        [ "$answer" = "$name" ] || fail "nothing was deleted"
    fi
    bucket=$(output "$name-site" BucketName)
    # A bucket that is not empty cannot be deleted.
    [ -z "$bucket" ] || change aws s3 rm "s3://$bucket" --recursive
    delete_stack "$name-site"
    delete_stack "$name"
}

need aws "see https://docs.aws.amazon.com/cli/"
case $word in
    deploy) deploy ;;
    url) known "$name-site" Url && echo ;;
    key)
        arn=$(output "$name" ApiKeyArn)
        [ -n "$arn" ] || fail "there is no stack $name"
        aws secretsmanager get-secret-value --secret-id "$arn" --query SecretString --output text ;;
    destroy) destroy ;;
esac
