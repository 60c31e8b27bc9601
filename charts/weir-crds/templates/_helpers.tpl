{{/*
The plan of the release: for every bundled object what becomes of it.
Gives JSON: {install: [{path, name, kind, keep}], foreign: [name], newer: [name], lost: [name], missing: bool}.
An object is installed when the cluster has none, or when the one that it has is this release's and not newer. `helm
template` sees no cluster and installs all.
*/}}
{{- define "weir-crds.plan" -}}
{{- $root := . -}}
{{- $crds := .Values.crds -}}
{{- $plan := dict "install" list "foreign" list "newer" list "lost" list "missing" false -}}
{{- $installed := dig "data" "installed" "" (lookup "v1" "ConfigMap" .Release.Namespace (include "weir-crds.record" .)) | splitList "," -}}
{{- $groups := list -}}
{{- if $crds.install -}}
{{- $groups = append $groups (dict "glob" "files/weir/*.yaml" "keep" $crds.keep) -}}
{{- end -}}
{{- if $crds.gatewayAPI.install -}}
{{- $groups = append $groups (dict "glob" "files/gateway-api/*.yaml" "keep" true) -}}
{{- if not (.Files.Glob "files/gateway-api/*.yaml") -}}{{- $_ := set $plan "missing" true -}}{{- end -}}
{{- end -}}
{{- range $group := $groups -}}
{{- range $path, $_ := $root.Files.Glob $group.glob -}}
{{- range $object := include "weir-crds.objects" ($root.Files.Get $path) | fromYamlArray -}}
{{- $live := lookup $object.apiVersion $object.kind "" $object.metadata.name -}}
{{- $state := include "weir-crds.state" (dict "root" $root "live" $live "object" $object) -}}
{{- $entry := dict "path" $path "name" $object.metadata.name "kind" $object.kind "keep" $group.keep -}}
{{- if eq $state "install" -}}
{{- $_ := set $plan "install" (append $plan.install $entry) -}}
{{- else -}}
{{- $_ := set $plan $state (append (get $plan $state) $object.metadata.name) -}}
{{- /* Helm deletes what an earlier revision had and this one has not, unless the object itself says to keep it. */ -}}
{{- if and (has $object.metadata.name $installed) (ne (dig "metadata" "annotations" "helm.sh/resource-policy" "" $live) "keep") -}}
{{- $_ := set $plan "lost" (append $plan.lost $object.metadata.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $plan -}}
{{- end -}}

{{/* The documents of a file as one YAML list. */}}
{{- define "weir-crds.objects" -}}
{{- range $document := regexSplit "(?m)^---\\s*$" . -1 }}
{{- $object := fromYaml $document }}
{{- if hasKey $object "kind" }}
- {{ toJson $object }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What becomes of one object: install, foreign or newer. */}}
{{- define "weir-crds.state" -}}
{{- $annotations := dig "metadata" "annotations" dict .live | default dict -}}
{{- $ours := and (eq (get $annotations "meta.helm.sh/release-name") .root.Release.Name) (eq (get $annotations "meta.helm.sh/release-namespace") .root.Release.Namespace) -}}
{{- $version := get $annotations "gateway.networking.k8s.io/bundle-version" -}}
{{- $bundled := dig "metadata" "annotations" "gateway.networking.k8s.io/bundle-version" "" .object -}}
{{- if not .live -}}install
{{- else if not (or $ours .root.Values.crds.takeOwnership) -}}foreign
{{- else if and $version $bundled (semverCompare (printf ">%s" (trimPrefix "v" $bundled)) (trimPrefix "v" $version)) -}}newer
{{- else -}}install
{{- end -}}
{{- end -}}

{{/* The ConfigMap that remembers what the release installed. */}}
{{- define "weir-crds.record" -}}
{{- printf "%s-installed" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
