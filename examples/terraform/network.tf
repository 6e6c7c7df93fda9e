# What NETWORK_CONFIG=new_network makes. With default_network there is none of it.

resource "google_compute_network" "main" {
  count                   = var.new_network ? 1 : 0
  name                    = "${var.name_prefix}-net"
  description             = local.description
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "main" {
  count                    = var.new_network ? 1 : 0
  name                     = "${var.name_prefix}-subnet"
  description              = local.description
  network                  = google_compute_network.main[0].self_link
  ip_cidr_range            = var.network_range
  private_ip_google_access = true
}

resource "google_compute_firewall" "internal" {
  count         = var.new_network ? 1 : 0
  name          = "${var.name_prefix}-allow-internal"
  description   = local.description
  network       = google_compute_network.main[0].self_link
  source_ranges = [var.network_range]
  allow { protocol = "icmp" }
  allow { protocol = "tcp" }
  allow { protocol = "udp" }
}

resource "google_compute_firewall" "ssh" {
  count         = var.new_network ? 1 : 0
  name          = "${var.name_prefix}-allow-iap-ssh"
  description   = local.description
  network       = google_compute_network.main[0].self_link
  source_ranges = ["35.235.240.0/20"] # Identity-Aware Proxy
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# A way out for VMs without an external address.
resource "google_compute_router" "main" {
  count       = var.new_network && !var.external_ip ? 1 : 0
  name        = "${var.name_prefix}-router"
  description = local.description
  network     = google_compute_network.main[0].self_link
}

resource "google_compute_router_nat" "main" {
  count                              = var.new_network && !var.external_ip ? 1 : 0
  name                               = "${var.name_prefix}-nat"
  router                             = google_compute_router.main[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}
