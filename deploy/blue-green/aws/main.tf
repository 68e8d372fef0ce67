# Two colours behind an application load balancer. An example that has never been applied; see ../README.md.
#
#   terraform apply -var 'servers={blue=2,green=2}'                     starts green beside blue
#   terraform apply -var 'servers={blue=2,green=2}' -var serving=green  switches; to roll back: serving=blue
#   terraform apply -var 'servers={blue=0,green=2}' -var serving=green  48 hours later

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

variable "vpc" { type = string }
variable "subnets" {
  type        = list(string)
  description = "one in each of two zones"
}
variable "certificate" { type = string }
variable "security_groups" {
  type        = object({ load_balancer = list(string), servers = list(string) })
  description = "443 from everywhere to the load balancer, 8080 from there to the servers, and theirs to MariaDB and Redis"
}
variable "images" {
  type        = map(string)
  description = "an image for each colour with the program, its unit, and what /etc/mukkeum/common.env says"
}
variable "servers" {
  type    = map(number)
  default = { blue = 2, green = 0 }
}
variable "serving" {
  type    = string
  default = "blue"
}

resource "aws_lb" "shop" {
  name            = "mukkeum"
  subnets         = var.subnets
  security_groups = var.security_groups.load_balancer
}

resource "aws_lb_listener" "shop" {
  load_balancer_arn = aws_lb.shop.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate
  default_action {
    type = "forward"
    # The inactive colour stays attached, because the health of other target groups is not checked.
    forward {
      dynamic "target_group" {
        for_each = aws_lb_target_group.colour
        content {
          arn    = target_group.value.arn
          weight = target_group.key == var.serving ? 1 : 0
        }
      }
    }
  }
}

resource "aws_lb_target_group" "colour" {
  for_each             = var.images
  name                 = "mukkeum-${each.key}"
  vpc_id               = var.vpc
  port                 = 8080
  protocol             = "HTTP"
  deregistration_delay = 60
  health_check {
    path                = "/health/ready"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_launch_template" "colour" {
  for_each               = var.images
  name                   = "mukkeum-${each.key}"
  image_id               = each.value
  instance_type          = "t3.small"
  vpc_security_group_ids = var.security_groups.servers
  metadata_options { http_tokens = "required" }
}

resource "aws_autoscaling_group" "colour" {
  for_each            = var.images
  name                = "mukkeum-${each.key}"
  min_size            = var.servers[each.key]
  max_size            = var.servers[each.key]
  vpc_zone_identifier = var.subnets
  target_group_arns   = [aws_lb_target_group.colour[each.key].arn]
  # Not ELB: during a failover of the database no server is ready, and none of them must be replaced for that.
  health_check_type = "EC2"
  launch_template {
    id      = aws_launch_template.colour[each.key].id
    version = aws_launch_template.colour[each.key].latest_version
  }
}
