// Pins the Gateway API bundle that `make chart` puts into the charts.
module weir/gateway-api-bundle

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
