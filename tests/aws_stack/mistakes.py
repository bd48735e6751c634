"""Pulumi's program with a planted mistake in each resource but those that the others need."""

import json

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.ec2 as ec2
import pulumi_aws.ecs as ecs
import pulumi_aws.iam as iam
import pulumi_aws.lb as lb
import pulumi_aws.msk as msk
import pulumi_aws.rds as rds

vpc = ec2.Vpc("good-vpc", cidr_block="10.1.0.0/16")
good = ec2.Subnet("good-subnet", vpc_id=vpc.id, cidr_block="10.1.0.0/24", availability_zone="eu-central-1a")
ec2.Subnet("mistake-outside", vpc_id=vpc.id, cidr_block="192.168.0.0/24", availability_zone="eu-central-1a")
ec2.Subnet(
    "mistake-overlap",
    vpc_id=vpc.id,
    cidr_block="10.1.0.0/25",
    availability_zone="eu-central-1a",
    opts=pulumi.ResourceOptions(depends_on=[good]),
)
ec2.Subnet(
    "mistake-nowhere",
    vpc_id="vpc-00000000000000000",
    cidr_block="10.1.1.0/24",
    availability_zone="eu-central-1a",
)
ec2.SecurityGroup("mistake-apostrophe", vpc_id=vpc.id, description="the warehouse's")
rds.Instance("mistake-class", identifier="x", engine="postgres", instance_class="db.t9.small")
rds.SubnetGroup("mistake-no-such-subnet", description="x", subnet_ids=[good.id, "subnet-0123456789abcdef0"])
rds.SubnetGroup("mistake-one-zone", description="x", subnet_ids=[good.id])
ecs.Cluster(
    "mistake-enum",
    name="x",
    settings=[ecs.ClusterSettingArgs(name="insights", value="enabled")],
)
cloudwatch.LogGroup("mistake-retention", retention_in_days=31)
iam.Role("mistake-policy", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
ecs.TaskDefinition(
    "mistake-role",
    family="x",
    container_definitions=json.dumps([{"name": "x", "image": "x"}]),
    execution_role_arn="arn:aws:iam::123456789012:role/nobody",
)
lb.LoadBalancer("mistake-too-long", name="x" * 33, internal=True, subnets=[good.id])
msk.Topic(
    "mistake-topic",
    name="x",
    cluster_arn="arn:aws:kafka:eu-central-1:123456789012:cluster/none/1",
    partition_count=1,
    replication_factor=1,
)
